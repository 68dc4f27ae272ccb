"""Models as text: what is written reads back, and what cannot be read is pointed at."""

import numpy as np
import pytest

import likely as lk

MODELS = [
    "Normal()",
    "Normal(variance=1)",
    "Bernoulli(p=Beta(a=2, b=2))",
    "Mixture(Normal(variance=shared), 3)",
    "Mixture(Normal(mean=shared + [-7.5, 7.5], variance=1), 2, weights=[0.5, 0.5])",
    "Mixture(Normal(variance=shared(InverseGamma(shape=2, scale=3))), 2)",
    "Mixture(Mixture(Normal(variance=shared(over='component')), 2), 2)",
    "Mixture(MultivariateNormal(), choose([1, 2, 3]))",
    "Bernoulli(p=choose([Beta(a=1, b=1), Beta(a=2, b=2)]))",
    "Mixture([Normal(), Uniform(low=-10, high=20)])",
    "Product(age=Normal(), visits=Poisson(), smoker=Bernoulli())",
    "Independent(Bernoulli())",
    "Normal(mean=[0.0, nan], variance=inf)",
    "Normal(variance=unbiased)",
    "Categorical(categories=['a', 'b'], p=[0.25, 0.75])",
    "MultivariateNormal('diagonal')",
]


@pytest.mark.parametrize("text", MODELS)
def test_text_reads_back_as_it_was_written(text):
    assert repr(lk.parse(text)) == text


def test_free_range_and_spaces_are_understood():
    assert lk.parse(" Normal( mean = free ) ") == lk.Normal()
    assert lk.parse("Mixture(Normal(), choose(range(1, 4)))") == lk.Mixture(lk.Normal(), lk.choose([1, 2, 3]))


def test_numbers_survive_to_the_last_bit():
    values = np.random.default_rng(0).normal(size=5) * 10.0 ** np.arange(-150, 151, 75)
    model = lk.Mixture(lk.Normal(mean=values, variance=1), 5)
    assert np.array_equal(lk.parse(repr(model)).component.mean, values)


def message(text):
    with pytest.raises(lk.NotationError) as error:
        lk.parse(text)
    return str(error.value)


def test_a_misspelt_name_gets_the_nearest_and_a_mark():
    assert message("Mixture(Nromal(), 2)") == (
        "cannot read the model: there is no 'Nromal'; did you mean Normal?\n  Mixture(Nromal(), 2)\n          ^"
    )


def test_a_missing_parenthesis_is_marked():
    assert message("Mixture(Normal(), 2") == (
        "cannot read the model: '(' was never closed\n  Mixture(Normal(), 2\n         ^"
    )


def test_a_missing_comma_is_marked():
    assert message("Mixture(Normal() 2)") == (
        "cannot read the model: something is missing or too much here (a comma or a parenthesis?)\n"
        "  Mixture(Normal() 2)\n          ^"
    )


def test_a_family_without_parentheses_says_so():
    assert message("Mixture(Normal, 2)") == (
        "cannot read the model: Normal needs parentheses: Normal()\n  Mixture(Normal, 2)\n          ^"
    )


def test_text_that_is_no_model_says_so():
    assert message("[1, 2]") == "'[1, 2]' is not a model; write one like Mixture(Normal(), 2)\n  [1, 2]\n  ^"
    assert message("").startswith("cannot read the model: ")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "Normal(mean=[x for x in (1,)])",
        "Normal(mean=1).log_prob",
        "2**9",
    ],
)
def test_code_is_never_run(text):
    assert message(text).startswith("cannot read the model: ")


def test_missing_arguments_are_named():
    assert message("Mixture()") == (
        "cannot read the model: Mixture(...): Mixture.__init__() missing 1 required positional argument: 'component'\n"
        "  Mixture()\n  ^"
    )


def test_an_unknown_slot_is_a_model_error():
    with pytest.raises(lk.ModelError) as error:
        lk.parse("Normal(sd=1)")
    assert str(error.value) == "Normal has no slot for sd=; its slots are mean, variance."
