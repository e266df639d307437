import numpy as np

from cxml.predictive.uplift.choice import chosen_learner, held_out_shrunk, shrinkage


def test_shrinkage_is_the_line_through_the_measured_effects():
    said, measured = np.array([0.0, 1, 2, 3]), np.array([1.0, 1.5, 2, 2.5])
    assert shrinkage(said, measured, np.ones(4)) == (1.0, 0.5)
    assert shrinkage(said, -measured, np.ones(4)) == (-1.75, 0.0)  # what points the wrong way is not used
    assert shrinkage(said, 9 * measured, np.ones(4))[1] == 2.0
    assert shrinkage(np.ones(4), measured, np.ones(4)) == (1.75, 0.0)


def test_a_fold_is_shrunk_by_the_others():
    said = np.array([0.0, 1, 0, 1])
    measured = np.array([0.0, 2, 0, 0])
    folds = [(np.array([2, 3]), np.array([0, 1])), (np.array([0, 1]), np.array([2, 3]))]
    assert held_out_shrunk(said, measured, np.ones(4), folds).tolist() == [0, 0, 0, 2]


def test_the_first_learner_stays_unless_another_is_clearly_better():
    rng = np.random.default_rng(0)
    true = rng.normal(size=2_000)
    measured = true + 5 * rng.normal(size=2_000)
    weight, customers = np.ones(2_000), np.arange(2_000)

    def choice(**said):
        return chosen_learner([(said, measured)], weight, customers)

    noisy = true + rng.normal(size=2_000)
    assert choice(first=noisy, second=true) == "second"
    assert choice(first=true, second=noisy) == "first"
    assert choice(first=true, second=true + 0.01 * rng.normal(size=2_000)) == "first"
    assert choice(first=rng.normal(size=2_000), second=noisy, third=true) == "third"
    assert choice(first=true, second=3 * true + 1) == "first"  # the same once it is shrunk


def test_one_learner_is_chosen_for_all_actions_together():
    rng = np.random.default_rng(0)
    true = rng.normal(size=2_000)
    weight, customers = np.ones(2_000), np.arange(2_000)
    flat, good = rng.normal(size=2_000), {"first": rng.normal(size=2_000), "second": true}
    # of one action both learners say what is only noise, of the other the second is right
    noise = {"first": flat, "second": rng.normal(size=2_000)}
    studies = [(noise, rng.normal(size=2_000)), (good, true + rng.normal(size=2_000))]
    assert chosen_learner(studies, weight, customers) == "second"
