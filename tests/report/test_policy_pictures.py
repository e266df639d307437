import io
import json
import subprocess
import sys

import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.report import policy_pictures
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated, LimitUse
from cxml.schema.decided import HELD_OUT, LIMITED

NAN = float("nan")
NOW = pd.Timestamp("2024-07-01", tz="UTC")
FIRED = json.dumps(
    {
        "fired": ["call", "discount/web"],
        "not_met": {"discount/mail": "eligibility"},
        "not_applicable": {"fix": "applicability"},
        "suppressed": {"gift": "2 contacts in 30 days"},
    }
)


def decision(**said):
    told = {
        c.CUSTOMER_ID: "c7",
        c.AS_OF: NOW,
        c.ACTION: "call",
        c.CHANNEL: "phone",
        c.CONTACT_TIME: NOW + pd.Timedelta(days=2),
        c.EXPECTED_VALUE: 31.0,
        c.EXPECTED_LOW: -9.0,
        c.EXPECTED_HIGH: 51.0,
        c.PRIORITY: 40.0,
        c.RULE: "renewal_risk > 0.5",
        c.RUNNER_UP: "discount/web",
        c.MARGIN: 5.5,
        c.SMALLEST_CHANGE: "renewal_risk <= 0.5 -> discount/web",
        c.WHY: FIRED,
        c.HOLDOUT: False,
        c.EXPLORED: False,
    }
    return told | said


NOTHING = {c.ACTION: "no_action", c.CHANNEL: None, c.CONTACT_TIME: pd.NaT, c.SMALLEST_CHANGE: None, c.MARGIN: NAN}
HELD = NOTHING | {c.RULE: HELD_OUT, c.HOLDOUT: True, c.PRIORITY: 0.0}
HELD |= dict.fromkeys((c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH), 0.0)


@pytest.fixture
def recommendations():
    """Return three decided by worth, one of whom there was no room for, and one held out."""
    rows = [decision(), decision(channel="mail"), decision(**NOTHING, rule=LIMITED), decision(**HELD)]
    return pd.DataFrame(rows).assign(customer_id=["c1", "c2", "c3", "c4"])


@pytest.fixture
def features():
    return pd.DataFrame({c.CUSTOMER_ID: ["c1", "c2", "c3", "c4"], c.AS_OF: NOW, "region": ["n", "n", "s", "s"]})


@pytest.fixture
def allocated():
    limits = (LimitUse("agent_hours", 120.0, 120.0, 41.0), LimitUse("coupons", 60.0, 15.0, 0.0))
    return Allocated("lagrange", 5, 1_990.0, 2_000.0, limits)


def title(figure):
    return figure.get_suptitle()


def bar_lengths(axes):
    return [[bar.get_width() for bar in bars] for bars in axes.containers if hasattr(bars, "patches")]


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_bars_of_the_funnel_are_its_counts_with_those_held_out_apart(recommendations):
    (axes,) = policy_pictures.funnel_picture(recommendations).axes
    assert bar_lengths(axes) == [[3, 3, 3, 3, 2, 2], [1, 1, 1, 0, 0, 0]]
    assert texts(axes) == ["3 + 1", "3 + 1", "3 + 1", "3", "2", "2"]


def test_the_title_of_the_funnel_says_where_customers_were_lost(recommendations):
    assert title(policy_pictures.funnel_picture(recommendations)) == (
        "2 of 4 customers are contacted; of those decided by worth, nothing was worth it for 0,\n"
        "and the limits had no room for 1"
    )


def test_each_group_has_a_panel_of_the_same_offers_with_who_gets_nothing_in_its_heading(recommendations, features):
    north, south = policy_pictures.action_mix_picture(recommendations, features, by="region").axes
    assert labels(north) == ["call/mail", "call/phone"]
    assert bar_lengths(north) == [[0.5, 0.5]]
    assert bar_lengths(south) == [[0, 0]]
    assert north.get_title(loc="left") == "n: 2 customers,\n100% get an action"
    assert south.get_title(loc="left") == "s: 1 customer,\n0% get an action"


def test_a_company_of_which_nobody_gets_an_action_has_a_picture_too(recommendations, features):
    nobody = recommendations.assign(action="no_action", channel=None)
    north, _ = policy_pictures.action_mix_picture(nobody, features, by="region").axes
    assert bar_lengths(north) == [[]]


def test_more_groups_than_can_stand_beside_each_other_are_refused(recommendations, features):
    many = pd.concat([recommendations.assign(customer_id=f"x{i}") for i in range(9)]).drop_duplicates(c.CUSTOMER_ID)
    groups = many[list(c.KEY)].assign(region=[f"r{i}" for i in range(9)])
    with pytest.raises(SchemaError, match=r"features\.region: must tell 1 to 8 groups .* it tells 9"):
        policy_pictures.action_mix_picture(many, groups, by="region")


def test_a_limit_says_what_is_used_and_what_a_hundredth_and_one_more_of_it_are_worth(allocated):
    used, worth = policy_pictures.shadow_prices_picture(allocated, currency="EUR").axes
    assert bar_lengths(used) == [[1.0, 0.25]]
    assert texts(used) == ["120 of 120", "15 of 60"]
    assert bar_lengths(worth) == [[pytest.approx(1.2 * 41), 0]]  # 1% of 120 hours at 41
    assert texts(worth) == ["one more: 41.00", "one more: 0.00"]


def test_the_title_of_the_prices_says_which_limit_is_worth_most_and_how_good_the_choices_are(allocated):
    assert title(policy_pictures.shadow_prices_picture(allocated, currency="EUR")) == (
        "1 of 2 limits is short; 1% more of agent_hours would be worth most, 49 EUR.\n"
        "All choices together are proven to be within 0.50% of the best there are"  # 1,990 of 2,000
    )


def test_limits_with_room_to_spare_are_said_to_be_so(allocated):
    spare = Allocated("arbitration", 5, 1.0, 1.0, (LimitUse("budget", 0.0, 0.0, 0.0),))
    figure = policy_pictures.shadow_prices_picture(spare, currency="EUR")
    assert title(figure) == "No limit is short: more of none would be worth anything"
    assert bar_lengths(figure.axes[0]) == [[1.0]]  # nothing of nothing is all of it


def test_a_policy_without_limits_is_told_so():
    with pytest.raises(SchemaError, match="limits"):
        policy_pictures.shadow_prices_picture(Allocated("arbitration", 5, 1.0, 1.0, ()), currency="EUR")


def test_every_option_stands_with_what_it_was_to_the_customer():
    options, _ = policy_pictures.decision_picture(pd.Series(decision()), currency="EUR").axes
    assert dict(zip(labels(options), texts(options), strict=True)) == {
        "call": "chosen",
        "discount/web": "could be chosen, runner-up",
        "no_action": "could be chosen",
        "gift": "suppressed: 2 contacts in 30 days",
        "fix": "not applicable: applicability",
        "discount/mail": "not met: eligibility",
    }


def test_an_action_over_several_channels_is_found_by_its_channel():
    row = decision(action="discount", channel="web", runner_up="call")
    options, _ = policy_pictures.decision_picture(pd.Series(row), currency="EUR").axes
    assert labels(options)[0] == "discount/web"
    assert texts(options)[:2] == ["chosen", "could be chosen, runner-up"]


def test_priority_margin_and_worth_with_its_range_are_beside_it():
    _, worth = policy_pictures.decision_picture(pd.Series(decision()), currency="EUR").axes
    assert bar_lengths(worth) == [[40.0, 5.5, 31.0]]
    assert labels(worth) == ["priority", "margin to runner-up", "expected value"]
    assert texts(worth) == ["40.00", "5.50", "31.00 [-9.00, 51.00]"]
    (segment,) = worth.collections[0].get_segments()
    assert segment[:, 0] == pytest.approx([-9, 51])


def test_the_title_of_a_decision_is_its_rule_and_below_stands_what_would_alter_it():
    figure = policy_pictures.decision_picture(pd.Series(decision()), currency="EUR")
    assert title(figure) == "c7: call by phone, 2024-07-03\nbecause: renewal_risk > 0.5"
    assert figure.get_supxlabel() == ("The smallest change that would alter it: renewal_risk <= 0.5 -> discount/web")


def test_what_chance_decided_is_said_and_has_no_margin():
    figure = policy_pictures.decision_picture(pd.Series(decision(**HELD)), currency="EUR")
    options, worth = figure.axes
    assert title(figure).startswith("c7: no_action\nbecause: held out")
    assert figure.get_supxlabel().startswith("Chance decided")
    assert labels(options)[:3] == ["no_action", "call", "discount/web"]
    assert labels(worth) == ["priority", "expected value"]


def test_a_decision_that_nothing_tried_would_alter_says_so():
    figure = policy_pictures.decision_picture(pd.Series(decision(smallest_change=None)), currency="EUR")
    assert figure.get_supxlabel() == "No single value that was tried would alter it."


def every_picture(recommendations, features, allocated):
    yield policy_pictures.funnel_picture(recommendations)
    yield policy_pictures.action_mix_picture(recommendations, features, by="region")
    yield policy_pictures.shadow_prices_picture(allocated, currency="EUR")
    yield policy_pictures.decision_picture(recommendations.iloc[0], currency="EUR")


def svg(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def test_the_same_frames_give_the_same_bytes_and_leave_everything_as_it_was(recommendations, features, allocated):
    from matplotlib import pyplot, rc_context, rcParams

    frames = recommendations, features
    copies = [frame.copy() for frame in frames]
    settings, open_figures = dict(rcParams), pyplot.get_fignums()
    with rc_context({"svg.hashsalt": "cxml"}):
        first, second = ([svg(figure) for figure in every_picture(*frames, allocated)] for _ in range(2))
    assert first == second
    assert (dict(rcParams), pyplot.get_fignums()) == (settings, open_figures)
    assert all(frame.equals(copy) for frame, copy in zip(frames, copies, strict=True))


def test_importing_the_pictures_loads_neither_matplotlib_nor_pandas():
    heavy = "import sys, cxml.report.policy_pictures; print({'matplotlib', 'pandas', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
