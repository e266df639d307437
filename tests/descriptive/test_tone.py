import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from cxml.descriptive import tone
from cxml.descriptive.tone import MIN_COMMENTS, MIN_OF_EACH, is_enough, term_counts, tone_model

LANGUAGES = {
    "English": ("slow rude broken dirty late", "fast kind clean lovely perfect", "it was very quite rather so", " "),
    "Greek": ("αργό κακό ακριβό βρώμικο", "γρήγορο καλό φτηνό τέλειο", "ήταν πολύ το μάλλον και τόσο", " "),
    "Japanese": ("遅い 悪い 高すぎる 汚い", "速い 良い 親切 最高", "配達 店員 商品 とても でした", ""),
    "Thai": ("ช้า แย่ แพง สกปรก", "เร็ว ดี ถูก สะอาด", "มาก ส่งของ พนักงาน ร้าน ครับ", ""),
    "Arabic": ("بطيء سيئ غالي قذر", "سريع جيد رخيص نظيف", "كان جدا التوصيل المتجر هذا", " "),
}  # fmt: skip


def written(language, n, rng):
    """Return n comments of one bad or good word among words that say nothing, and their tones."""
    bad, good, rest, space = LANGUAGES[language]
    tones, comments = rng.choice([-1, 1], size=n), []
    for feeling in tones:
        words = list(rng.choice(rest.split(), size=4))
        words.insert(rng.integers(5), rng.choice((bad if feeling < 0 else good).split()))
        comments.append(space.join(words))
    return comments, tones


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tone_is_learned_in_any_language_with_and_without_spaces(language):
    rng = np.random.default_rng(0)
    model = tone_model(*counted(*written(language, 300, rng)))
    unseen, tones = written(language, 200, rng)
    assert np.mean(np.sign(model.sentiment(term_counts(unseen))) == tones) > 0.97


def counted(comments, tones):
    return term_counts(comments), np.asarray(tones)


def test_the_sentiment_is_that_of_two_plain_logistic_regressions_on_tf_idf():
    rng = np.random.default_rng(1)
    comments, tones = written("English", 200, rng)
    tones = np.where(rng.random(200) < 0.3, 0, tones)
    vectorizer = TfidfVectorizer(analyzer=tone._terms, min_df=2, sublinear_tf=True)
    weights = vectorizer.fit_transform(comments)
    unseen = [*written("English", 20, rng)[0], "never seen"]
    expected = -1.0
    for cut in (-1, 0):
        plain = LogisticRegression(C=2.0, solver="liblinear", tol=1e-6, max_iter=10_000).fit(weights, tones > cut)
        expected = expected + plain.predict_proba(vectorizer.transform(unseen))[:, 1]
    found = tone_model(*counted(comments, tones)).sentiment(term_counts(unseen))
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_the_terms_of_a_comment_are_words_pairs_and_four_letters():
    assert list(tone._terms("Très BIEN!")) == [
        "très", "bien", "!", "très bien", "bien !", "# trè", "#très", "#rès ", "# bie", "#bien", "#ien ",
    ]  # fmt: skip
    assert {"#最", "#最高"} & set(tone._terms("最高")) == {"#最高"}


@pytest.mark.parametrize("comment", ["", " ", "\n", "💔", "a" * 20_000, "\x82tiquetage"])
def test_any_text_has_a_sentiment_within_bounds(comment):
    model = tone_model(*counted(*written("English", 200, np.random.default_rng(2))))
    (found,) = model.sentiment(term_counts([comment]))
    assert -1 < found < 1


def test_letters_beyond_the_first_5000_of_a_comment_are_not_read():
    long = "a b " * 1_250
    assert (term_counts([long]) != term_counts([long + "terrible"])).nnz == 0


@pytest.mark.parametrize(
    ("n_negative", "n_neutral", "n_positive", "enough"),
    [
        (MIN_OF_EACH, MIN_COMMENTS - 2 * MIN_OF_EACH, MIN_OF_EACH, True),
        (MIN_OF_EACH, MIN_COMMENTS - 2 * MIN_OF_EACH - 1, MIN_OF_EACH, False),
        (MIN_OF_EACH - 1, MIN_COMMENTS, MIN_OF_EACH, False),
        (MIN_OF_EACH, MIN_COMMENTS, MIN_OF_EACH - 1, False),
        (0, 0, 1_000, False),
    ],
)
def test_a_model_needs_enough_comments_of_either_tone(n_negative, n_neutral, n_positive, enough):
    tones = np.repeat([-1, 0, 1], [n_negative, n_neutral, n_positive])
    comments = [("bad", "well", "good")[feeling + 1] for feeling in tones]
    assert is_enough(tones) is enough
    assert (tone_model(*counted(comments, tones)) is not None) is enough


def test_comments_that_share_no_term_give_no_model():
    tones = np.repeat([-1, 1], 60)
    comments = [chr(0x4E00 + i) for i in range(120)]
    assert tone_model(*counted(comments, tones)) is None
