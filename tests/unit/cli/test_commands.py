from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from videojob_cli.exits import HELP
from videojob_cli.main import main
from videojob_contract.resources.encoding import Hardware
from videojob_contract.version import __version__

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").glob("*.yaml"))

GOOD = """\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: holiday}
spec:
  clips:
    - {color: "#000000", duration: 1s}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "job.yaml"


def test_validate_good(file: Path) -> None:
    file.write_text(GOOD)
    result = run("validate", file)
    assert (result.exit_code, result.output) == (0, f"{file}: VideoJob holiday is valid\n")


def test_validate_leaves_queues_and_volumes_to_the_pool(file: Path) -> None:
    image = "image: {uri: volume://photos/a.jpg}"
    file.write_text(GOOD.replace("spec:", "spec:\n  queue: nightly").replace('color: "#000000"', image))
    assert run("validate", file).exit_code == 0


def test_validate_leaves_object_stores_to_the_pool_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    clips = "".join(
        f"    - {{image: {{uri: {scheme}://photos/a.jpg}}, duration: 1s}}\n" for scheme in ("s3", "gs", "az")
    )
    outputs = "  outputs:\n    - {name: main, format: mp4, object: {tags: {keep: a year}}}\n"
    outputs += "    - {name: poster, format: jpg, uri: 's3://films/a.jpg'}\n"
    file.write_text(GOOD + clips + outputs)
    result = run("validate", file)
    assert (result.exit_code, result.stderr) == (0, "")
    file.write_text(GOOD + clips.replace("photos", "Photos"))
    result = run("validate", file)
    assert result.exit_code == 3
    assert 'spec.clips[1].image.uri: s3://Photos/a.jpg: pool "default" reaches no such object store' in result.stderr


@pytest.mark.parametrize("scheme", ["volume", "s3"])
def test_validate_takes_as_many_places_as_a_pool_has_and_refuses_more(file: Path, scheme: str) -> None:
    clips = [f"    - {{image: {{uri: {scheme}://place{index}/a.jpg}}, duration: 1s}}\n" for index in range(17)]
    file.write_text(GOOD + "".join(clips[:16]))
    assert run("validate", file).exit_code == 0
    file.write_text(GOOD + "".join(clips))
    result = run("validate", file)
    assert result.exit_code == 3
    assert f"spec.clips[17].image.uri: {scheme}://place16/a.jpg: pool" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_validate_lists_every_problem_where_it_stands(file: Path) -> None:
    file.write_text(GOOD.replace("duration: 1s", "duration: 1, fitt: cover"))
    result = run("validate", file)
    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    assert any(line.startswith(f"{file}:6:26: spec.clips[0].duration: ") for line in lines), lines
    assert any(line.startswith(f"{file}:6:39: spec.clips[0].fitt: ") for line in lines), lines


def test_validate_reads_subtitles_that_are_at_hand_and_warns_of_what_is_odd(file: Path) -> None:
    file.write_text(f"{GOOD}  subtitles:\n    uri: volume://text/a.srt\n")
    subtitles = file.parent / "a.srt"
    where = f"{file}:8:5: spec.subtitles.uri: "
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:04,000 --> 00:00:03,000\nnever\n")
    result = run("validate", file, "--volume", f"text={file.parent}")
    assert (result.exit_code, result.stdout) == (0, f"{file}: VideoJob holiday is valid\n")
    assert result.stderr == (
        f"{where}warning: volume://text/a.srt line 6: the cue ends no later than it starts, and is never seen\n"
    )
    subtitles.write_bytes("1\n00:00:01,000 --> 00:00:02,000\n你好\n".encode("gb18030"))
    refused = run("validate", file, "--volume", f"text={file.parent}")
    assert refused.exit_code == 3
    assert refused.stderr.startswith(f"{where}volume://text/a.srt is not UTF-8, and its encoding is not certain: ")
    file.write_text(file.read_text() + "    encoding: gb18030\n")
    assert run("validate", file, "--volume", f"text={file.parent}").stderr == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("clips:", "parallelism: auto\n  clips:"), "spec.parallelism: is not supported yet"),
        (("duration: 1s}", "duration: 1s, transition: {type: cut}}"), "spec.clips[0].transition"),
        (("{name: holiday}", "{}"), "metadata.name: is required"),
        (("{name: holiday}", "{name: ../up}"), "metadata.name"),
    ],
)
def test_validate_checks_meaning_support_and_name(file: Path, change: tuple[str, str], says: str) -> None:
    file.write_text(GOOD.replace(*change))
    result = run("validate", file)
    assert result.exit_code == 3
    assert says in result.stderr


@pytest.mark.parametrize("command", ["validate", "render --out out"])
def test_an_output_where_another_goes_by_default_is_refused(
    file: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    uri = "volume://videojob-output/default/holiday/main.mp4"
    outputs = f"  outputs: [{{name: main, format: mp4}}, {{name: copy, format: mp4, uri: '{uri}'}}]\n"
    file.write_text(GOOD + outputs)
    result = run(*command.split(), file)
    assert result.exit_code == 3
    assert f"spec.outputs[1].uri: spec.outputs[0].uri goes to {uri} too" in result.stderr


def test_validate_names_problems_of_every_kind_at_once(file: Path) -> None:
    file.write_text(
        GOOD.replace("clips:", "parallelism: 2\n  deadline: 0s\n  clips:")
        .replace("{name: holiday}", "{name: ../up}")
        .replace("duration: 1s}", "duration: 1}\n    - image: {uri: volume://photos/gone.jpg}\n      duration: 1s")
    )
    result = run("validate", file, "--volume", f"photos={file.parent}")
    assert result.exit_code == 3
    told = [line.split(": ")[1] for line in result.stderr.splitlines()]
    assert sorted(told) == [
        "metadata.name", "spec.clips[0].duration", "spec.clips[1].image.uri", "spec.deadline", "spec.parallelism",
    ]  # fmt: skip


def test_validate_names_all_files_that_are_missing_where_they_stand(file: Path) -> None:
    (file.parent / "there.jpg").touch()
    names = ("gone.jpg", "there.jpg", "lost.jpg", "gone.jpg")
    clips = "".join(f"    - image: {{uri: volume://photos/{name}}}\n      duration: 1s\n" for name in names)
    file.write_text(f"{GOOD.partition('clips:')[0]}clips:\n{clips}")
    result = run("validate", file, "--volume", f"photos={file.parent}")
    assert result.exit_code == 3
    assert [line.split(":", 3)[3] for line in result.stderr.splitlines()] == [
        f" spec.clips[{index}].image.uri: volume://photos/{names[index]}: not found" for index in (0, 2, 3)
    ]
    (file.parent / "gone.jpg").touch()
    (file.parent / "lost.jpg").touch()
    assert run("validate", file, "--volume", f"photos={file.parent}").exit_code == 0


def test_a_name_that_the_server_makes_is_as_good_as_one(file: Path) -> None:
    text = GOOD.replace("{name: holiday}", "{generateName: holiday-}")
    file.write_text(
        text.replace("#000000", "{{ colour }}").replace("spec:", "spec:\n  parameters: {colour: '#000000'}")
    )
    result = run("validate", file)
    assert (result.exit_code, result.stdout) == (0, f"{file}: VideoJob holiday-xxxxx is valid\n")
    file.write_text(text.replace('color: "#000000"', 'title: {text: "{{ job.name }}"}'))
    assert run("validate", file).exit_code == 0
    file.write_text(text.replace("holiday-", "x" * 70))  # the server cuts it
    assert run("validate", file).exit_code == 0
    file.write_text(text.replace("holiday-", "Holiday-"))
    assert ':3:12: metadata.generateName: "Holiday-" is not a name for a VideoJob' in run("validate", file).stderr
    pool = "apiVersion: videojob.dev/v1alpha1\nkind: RenderPool\nmetadata: {generateName: p-}\nspec: {}\n"
    file.write_text(pool)
    assert run("validate", file).exit_code == 0


def test_validate_reads_every_file_before_it_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(GOOD.replace("1s", "never"))
    (tmp_path / "good.yaml").write_text(GOOD)
    result = run("validate", tmp_path / "bad.yaml", tmp_path / "good.yaml")
    assert result.exit_code == 3
    assert "is valid" in result.stdout


def test_a_file_without_a_videojob(file: Path) -> None:
    file.write_text("kind: ConfigMap\n")
    result = run("validate", file)
    assert result.exit_code == 3
    assert "has no VideoJob or RenderPool or VideoSchedule or VideoTemplate" in result.stderr


TEMPLATE = """
apiVersion: videojob.dev/v1alpha1
kind: VideoTemplate
metadata: {name: plain}
spec:
  parameters: [{name: length, description: how long}]
  timeline: {clips: [{color: "#203040", duration: "{{ length }}"}]}
"""
FROM_TEMPLATE = """---
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: made}
spec:
  templateRef: {name: plain}
  parameters: {length: 1s}
"""


def test_templates_are_known_from_the_files(file: Path, tmp_path: Path) -> None:
    file.write_text(TEMPLATE + FROM_TEMPLATE)
    result = run("validate", file)
    assert (result.exit_code, result.stdout.count("is valid")) == (0, 2), result.output
    assert run("plan", file).exit_code == 0

    (tmp_path / "template.yaml").write_text(TEMPLATE)
    file.write_text(FROM_TEMPLATE)
    assert run("validate", file, tmp_path / "template.yaml").exit_code == 0
    alone = run("validate", file)
    assert alone.exit_code == 3
    assert 'spec.templateRef.name: there is no VideoTemplate "plain"' in alone.stderr

    file.write_text(TEMPLATE + FROM_TEMPLATE.replace("{length: 1s}", "{}"))
    assert 'spec.parameters.length: is required by VideoTemplate "plain": how long' in run("plan", file).stderr
    assert run("plan", file, "--set", "length=2s").exit_code == 0


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_valid(sample: Path) -> None:
    result = run("validate", sample)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("name", "spec", "says"),
    [
        ("photos", "{minIdle: -1}", ":4:8: spec.minIdle: "),
        ("photos", "{minIdle: 3, maxWorkers: 2}", ":4:8: spec.minIdle: must not be more than maxWorkers, which is 2"),
        (
            "photos",
            "{storage: {outputPrefix: volume://m/out}}",
            ':4:18: spec.storage.outputPrefix: volume://m/out: the pool has no volume "m"; it has none',
        ),
        (
            "photos",
            "{storage: {outputPrefix: 'https://a/b'}}",
            ":4:18: spec.storage.outputPrefix: writing to https:// is not",
        ),
        ("pho.tos", "{}", ':3:12: metadata.name: "pho.tos" is not a name for a RenderPool'),
    ],
)
def test_validate_checks_pools(file: Path, name: str, spec: str, says: str) -> None:
    file.write_text(f"apiVersion: videojob.dev/v1alpha1\nkind: RenderPool\nmetadata: {{name: {name}}}\nspec: {spec}\n")
    result = run("validate", file)
    assert result.exit_code == 3
    assert f"{file}{says}" in result.stderr


def test_render_wants_a_videojob(tmp_path: Path) -> None:
    result = run("render", *(sample for sample in SAMPLES if sample.stem == "renderpool"), "--out", tmp_path)
    assert result.exit_code == 3
    assert "has no VideoJob\n" in result.stderr


def test_render_asks_for_the_volumes_that_are_read(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD.replace('color: "#000000"', "image: {uri: volume://photos/a.jpg}"))
    result = run("render", file, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--volume photos=DIR" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ("az", "say of which storage account with the variable AZURE_STORAGE_ACCOUNT_NAME"),
        ("s3", "AWS_ENDPOINT_URL is not the URL of a server"),
    ],
)
def test_render_says_what_the_environment_lacks_for_an_object_store(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, message: str
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio")
    file.write_text(GOOD.replace('color: "#000000"', f"image: {{uri: {scheme}://photos/a.jpg}}"))
    result = run("render", file, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("value", ["photos", "=.", "photos=/does/not/exist"])
def test_render_refuses_volumes_that_are_none(file: Path, tmp_path: Path, value: str) -> None:
    file.write_text(GOOD)
    assert run("render", file, "--out", tmp_path / "out", "--volume", value).exit_code == 2


def test_render_says_when_it_cannot_make_its_folder(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD)
    (tmp_path / "file").touch()
    result = run("render", file, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "cannot be made: Not a directory" in result.stderr.replace("\n", " ")


def test_render_refuses_an_invalid_spec_before_it_starts(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD.replace("1s", "never"))
    result = run("render", file, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "spec.clips[0].duration" in result.stderr


def test_version() -> None:
    assert run("version").output == run("--version").output == f"videojob {__version__}\n"


def test_help_explains_every_exit_code_and_gives_examples() -> None:
    output = run("render", "--help").output
    assert "videojob render holiday.yaml --out out --volume media=./photos" in output
    for code, text in HELP.items():
        assert f"{code.value}  {text}" in output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_VIDEOJOB_COMPLETE" in result.output


TEMPLATED = GOOD.replace("duration: 1s", 'duration: "{{ seconds }}s"').replace('"#000000"', "'{{ color }}'")


@pytest.mark.parametrize("command", ["validate", "render --out out --json"])
def test_parameters_are_set_and_typed_as_in_yaml(file: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text(TEMPLATED)
    result = run(*command.split(), file, "--set", "seconds=3", "--set", "color=3")
    assert result.exit_code == 3
    assert f"{file}:6:8: spec.clips[0].color: should be text, not 3: put it in quotes" in result.stderr
    result = run(*command.split(), file, "--set", "seconds=3")
    assert 'spec.clips[0].color: needs the parameter "color", which spec.parameters has not; it has seconds' in (
        result.stderr
    )


def test_a_set_parameter_goes_before_the_specs_own(file: Path) -> None:
    file.write_text(TEMPLATED.replace("spec:", "spec:\n  parameters: {seconds: 0, color: red}"))
    assert run("validate", file).exit_code == 3
    assert run("validate", file, "--set", "seconds=1.5", "--set", "color=#ff0000").exit_code == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [("name", "'name' is not NAME=VALUE"), ("=3", "'=3' is not NAME=VALUE"), ("a=null", "'null' is no text, number")],
)
def test_set_takes_a_name_and_a_scalar(file: Path, value: str, says: str) -> None:
    file.write_text(GOOD)
    result = run("validate", file, "--set", value)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_a_template_without_quotes_is_told_to_need_them(file: Path) -> None:
    file.write_text(GOOD.replace('"#000000"', "{{ color }}"))
    result = run("validate", file)
    assert result.exit_code == 3
    assert 'found unhashable key; a template needs quotes: "{{ name }}"' in result.stderr


def test_hardware_has_the_names_of_a_pool() -> None:
    [option] = [parameter for parameter in main.commands["render"].params if parameter.name == "hardware"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [each.value for each in Hardware]
