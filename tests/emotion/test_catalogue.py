"""The catalogue: complete, and honest about what each model has seen."""

import pytest

from emotion import catalogue


def test_every_model_says_what_it_is_under_which_licence_and_what_it_learned_from():
    for model in catalogue.models():
        assert model.title
        assert model.licence
        assert model.trained_on, model.name
        assert model.use.endswith(".")
        assert model.elsewhere or all(file.url.startswith("https://") for file in model.files)


def test_models_that_heard_a_test_corpus_are_known_by_every_name_they_go_by():
    for name in (
        "wav2vec2-ravdess",
        "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition",
        "/var/models/fetched/wav2vec2-ravdess",
    ):
        assert catalogue.contaminated_by(name) == ("RAVDESS",)
    assert catalogue.contaminated_by("facebook/wav2vec2-base") == ()
    assert catalogue.contaminated_by("config.json") == ()


@pytest.mark.parametrize(
    "entry",
    [
        '{ name = "../up", url = "https://x/y" }',
        '{ name = "a", url = "https://x/y" }, { name = "b/c", url = "https://x/y" }',
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, entry):
    path = tmp_path / "list.toml"
    path.write_text(
        f'[[model]]\nname="m"\ntitle="M"\nkind="face"\nlicence="MIT"\norigin="x"\nuse="y"\ntrained_on=["z"]\nfiles=[{entry}]\n'
    )
    with pytest.raises(catalogue.WrongCatalogue, match="no plain name"):
        catalogue.read(path)
