"""Words for what a company's tables hold, in English and Portuguese; names that are not here are made readable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cxml.schema import columns as c

Language = Literal["en", "pt"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "pt")


@dataclass(frozen=True)
class Noun:
    """Something that is counted; ``feminine`` is for Portuguese."""

    one: str
    many: str
    feminine: bool = False


@dataclass(frozen=True)
class Measure:
    """Something that is measured: the word, what follows it and its adjectives, and its unit (``days`` or nothing).

    ``short`` is what it is called alone, where that is not the word and what follows.
    """

    name: str
    rest: str = ""
    feminine: bool = False
    unit: str = ""
    short: str = ""

    @property
    def alone(self) -> str:
        """How it is called where nothing else is said of it."""
        return self.short or self.name + self.rest


def _nouns(lines: str) -> dict[str, dict[Language, Noun]]:
    found: dict[str, dict[Language, Noun]] = {}
    for line in lines.strip().splitlines():
        key, english, portuguese = (part.strip() for part in line.split("|"))
        one, many = english.split(", ")
        um, muitos, gender = portuguese.split(", ")
        found[key] = {"en": Noun(one, many), "pt": Noun(um, muitos, gender == "f")}
    return found


_EVENTS: Final = _nouns("""
    booking      | booking, bookings               | reserva, reservas, f
    call         | call, calls                     | chamada, chamadas, f
    cancellation | cancellation, cancellations     | cancelamento, cancelamentos, m
    chat         | chat, chats                     | conversa, conversas, f
    claim        | claim, claims                   | participação, participações, f
    click        | click, clicks                   | clique, cliques, m
    complaint    | complaint, complaints           | reclamação, reclamações, f
    contact      | support contact, support contacts | contacto, contactos, m
    delivery     | delivery, deliveries            | entrega, entregas, f
    download     | download, downloads             | descarga, descargas, f
    email        | e-mail, e-mails                 | e-mail, e-mails, m
    installation | installation, installations     | instalação, instalações, f
    invoice      | invoice, invoices               | fatura, faturas, f
    login        | login, logins                   | início de sessão, inícios de sessão, m
    meeting      | meeting, meetings               | reunião, reuniões, f
    message      | message, messages               | mensagem, mensagens, f
    order        | order, orders                   | encomenda, encomendas, f
    outage       | outage, outages                 | falha de serviço, falhas de serviço, f
    payment      | payment, payments               | pagamento, pagamentos, m
    post         | post, posts                     | publicação, publicações, f
    purchase     | purchase, purchases             | compra, compras, f
    refund       | refund, refunds                 | reembolso, reembolsos, m
    repair       | repair, repairs                 | reparação, reparações, f
    reservation  | reservation, reservations       | reserva, reservas, f
    return       | return, returns                 | devolução, devoluções, f
    review       | review, reviews                 | avaliação, avaliações, f
    sale         | sale, sales                     | venda, vendas, f
    search       | search, searches                | pesquisa, pesquisas, f
    session      | session, sessions               | sessão, sessões, f
    shipment     | shipment, shipments             | envio, envios, m
    stay         | stay, stays                     | estadia, estadias, f
    ticket       | ticket, tickets                 | pedido de apoio, pedidos de apoio, m
    transaction  | transaction, transactions       | transação, transações, f
    trip         | trip, trips                     | viagem, viagens, f
    upgrade      | upgrade, upgrades               | melhoria, melhorias, f
    visit        | visit, visits                   | visita, visitas, f
""")
_TABLES: Final = _nouns("""
    events      | event, events                        | evento, eventos, m
    surveys     | survey answer, survey answers        | resposta a inquéritos, respostas a inquéritos, f
    invitations | survey invitation, survey invitations | convite para inquéritos, convites para inquéritos, m
    contracts   | contract, contracts                  | contrato, contratos, m
    actions     | action of ours, actions of ours      | ação nossa, ações nossas, f
    outcomes    | outcome of an action, outcomes of actions | resultado de uma ação, resultados de ações, m
""")
_MEASURES: Final[Mapping[str, tuple[Measure, Measure]]] = {
    "acquisition": (Measure("way of acquisition"), Measure("forma", " de angariação", feminine=True)),
    "addons": (Measure("number of add-ons"), Measure("número", " de extras")),
    "age": (Measure("age"), Measure("idade", feminine=True)),
    c.ACTION: (Measure("action"), Measure("ação", feminine=True)),
    "auto_pay": (Measure("automatic payment"), Measure("pagamento", " automático")),
    c.CHANNEL: (Measure("channel"), Measure("canal")),
    "competitor_mention": (Measure("mention of a competitor"), Measure("menção", " de concorrentes", feminine=True)),
    "competitor_price": (Measure("competitor price"), Measure("preço", " da concorrência")),
    "competitor_price_index": (Measure("competitor price index"), Measure("índice", " de preços da concorrência")),
    "consumer_confidence": (Measure("consumer confidence"), Measure("confiança", " dos consumidores", feminine=True)),
    c.CONFIDENCE: (Measure("confidence of the source"), Measure("confiança", " da fonte", feminine=True)),
    "contract_type": (Measure("contract type"), Measure("tipo", " de contrato")),
    c.COST: (Measure("cost"), Measure("custo")),
    "delay_days": (Measure("delay", unit="days"), Measure("atraso", unit="days")),
    "duration": (Measure("duration"), Measure("duração", feminine=True)),
    "gender": (Measure("gender"), Measure("género")),
    "household_size": (Measure("household size"), Measure("dimensão", " do agregado familiar", feminine=True)),
    "income": (Measure("income"), Measure("rendimento")),
    "inflation": (Measure("inflation"), Measure("inflação", feminine=True)),
    "outsourced": (Measure("handling by a partner"), Measure("tratamento", " por um parceiro")),
    "plan": (Measure("plan"), Measure("plano")),
    c.PRICE: (Measure("price"), Measure("preço")),
    "price_orientation": (Measure("price orientation"), Measure("orientação", " para o preço", feminine=True)),
    "rain_mm": (Measure("rain in mm"), Measure("chuva", " em mm", feminine=True)),
    c.REGION: (Measure("region"), Measure("região", feminine=True)),
    c.SCORE: (Measure("score"), Measure("pontuação", feminine=True)),
    c.SEGMENT: (Measure("segment"), Measure("segmento")),
    c.SENTIMENT: (Measure("sentiment"), Measure("sentimento")),
    c.SINCE: (Measure("customer since"), Measure("cliente", " desde")),
    "solved": (Measure("solution"), Measure("resolução", feminine=True)),
    "tech_affinity": (Measure("affinity for technology"), Measure("afinidade", " com a tecnologia", feminine=True)),
    "temperature": (Measure("temperature"), Measure("temperatura", feminine=True)),
    "temperature_c": (Measure("temperature in °C"), Measure("temperatura", " em °C", feminine=True)),
    "tenure": (Measure("tenure"), Measure("antiguidade", feminine=True)),
    c.TOUCHPOINT: (Measure("touchpoint"), Measure("ponto", " de contacto")),
    "unemployment": (Measure("unemployment"), Measure("desemprego")),
    c.VALUE: (Measure("value"), Measure("valor")),
    "voice_tone": (Measure("tone of voice"), Measure("tom", " de voz")),
}
# What is said of facts for which a flag is true, and for which it is false; {o} and {s} agree in Portuguese.
FLAGS: Final[Mapping[str, Mapping[Language, tuple[str, str]]]] = {
    "solved": {"en": ("solved", "unsolved"), "pt": ("resolvid{o}{s}", "por resolver")},
    "outsourced": {
        "en": ("handled by a partner", "handled in-house"),
        "pt": ("tratad{o}{s} por um parceiro", "tratad{o}{s} internamente"),
    },
    "competitor_mention": {
        "en": ("mentioning a competitor", "without mention of a competitor"),
        "pt": ("com menção de um concorrente", "sem menção de um concorrente"),
    },
}
# Where a fact happened, for the usual channels; any other is named.
CHANNELS: Final[Mapping[str, Mapping[Language, str]]] = {
    "store": {"en": "in store", "pt": "em loja"},
    "phone": {"en": "by phone", "pt": "por telefone"},
    "ivr": {"en": "by voice menu", "pt": "por atendimento automático"},
    "web": {"en": "on the web", "pt": "na web"},
    "mobile": {"en": "on mobile", "pt": "no telemóvel"},
    "tablet": {"en": "on tablet", "pt": "no tablet"},
    "social": {"en": "on social media", "pt": "nas redes sociais"},
    "mail": {"en": "by mail", "pt": "por correio"},
    "email": {"en": "by e-mail", "pt": "por e-mail"},
}
_OF_CHANNELS: Final = (c.CHANNEL, "acquisition")
_CHANNEL_NAMES: Final[Mapping[str, Mapping[Language, str]]] = {
    "store": {"en": "store", "pt": "loja"},
    "phone": {"en": "phone", "pt": "telefone"},
    "ivr": {"en": "voice menu", "pt": "atendimento automático"},
    "web": {"en": "web", "pt": "web"},
    "mobile": {"en": "mobile", "pt": "telemóvel"},
    "tablet": {"en": "tablet", "pt": "tablet"},
    "social": {"en": "social media", "pt": "redes sociais"},
    "mail": {"en": "mail", "pt": "correio"},
    "email": {"en": "e-mail", "pt": "e-mail"},
}
_INSTRUMENTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "nps": {"en": "NPS", "pt": "NPS"},
    "csat": {"en": "CSAT", "pt": "CSAT"},
    "ces": {"en": "CES", "pt": "CES"},
    "stars": {"en": "stars", "pt": "estrelas"},
    "smiley": {"en": "smiley", "pt": "smiley"},
}


def event_noun(event_type: str, language: Language) -> Noun:
    """Return the noun of a type of event."""
    if event_type in _EVENTS:
        return _EVENTS[event_type][language]
    name = readable(event_type)
    return Noun(f"{name} event", f"{name} events") if language == "en" else Noun(f"evento {name}", f"eventos {name}")


def table_noun(table: str, language: Language) -> Noun:
    """Return the noun of a row of a table of facts."""
    return _TABLES[table][language]


def answer_noun(instrument: str, language: Language) -> Noun:
    """Return the noun of an answer to a survey's instrument."""
    name = instrument_name(instrument, language)
    if language == "en":
        return Noun(f"{name} answer", f"{name} answers")
    return Noun(f"resposta {name}", f"respostas {name}", feminine=True)


def instrument_name(instrument: str, language: Language) -> str:
    """Return the name of a survey's instrument: NPS, CSAT and CES are abbreviations."""
    found = _INSTRUMENTS.get(instrument.lower())
    return found[language] if found else readable(instrument)


def touchpoint_name(touchpoint: str, language: Language) -> str:
    """Return the name of what an answer is about; a type of event has its noun, any other name stays as it is."""
    if touchpoint == "relationship":
        return {"en": "relationship", "pt": "relação"}[language]
    return _EVENTS[touchpoint][language].one if touchpoint in _EVENTS else touchpoint


def measure(column: str, language: Language) -> Measure:
    """Return the words of a column; a name that is not known is made readable, and ``_days`` is its unit."""
    if (found := _MEASURES.get(column) or _MEASURES.get(column.lower())) is not None:
        return found[LANGUAGES.index(language)]
    unit = "days" if column.endswith("_days") else ""
    name = readable(column.removesuffix("_days"))
    if language == "en":
        return Measure(name, unit=unit)
    return Measure("valor", f" de {name}", unit=unit, short=name)


def category(column: str | None, value: str, language: Language) -> str:
    """Return the words of a category."""
    if column in _OF_CHANNELS and value in _CHANNEL_NAMES:
        return _CHANNEL_NAMES[value][language]
    return value


def readable(name: str) -> str:
    """Return a column's name as one reads it.

    Examples
    --------
    >>> readable("MonthlyCharges"), readable("avg_order_EUR"), readable("rain_mm")
    ('monthly charges', 'avg order EUR', 'rain mm')
    """
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name.replace("_", " ").replace(".", " ")).split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words) or name
