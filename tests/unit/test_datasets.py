"""Each index script on a tiny tree of the published layout: every row, and a wrong tree named in the error."""

from __future__ import annotations

import csv
import importlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NAMES = ("asvspoof2021", "celeb_df_v2", "deepfake_eval_2024", "faceforensics", "genimage", "in_the_wild",
         "plain_folder", "sea_spoof")  # fmt: skip


def call(name: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "datasets" / name / "index.py", *words]
    return subprocess.run([str(w) for w in command], capture_output=True, text=True, check=False, encoding="utf-8")


def index(name: str, *words: object) -> tuple[list[dict[str, str]], str]:
    """Rows of the manifest, and what the script says beside."""
    done = call(name, *words)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout))), done.stderr


def fails(name: str, *words: object) -> str:
    done = call(name, *words)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def fill(root: Path, *names: str) -> None:
    """Files that no decoder would take: an index must not need their content."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def cells(rows: list[dict[str, str]], *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.fixture
def faceforensics(tmp_path: Path) -> Path:
    original, fake = "original_sequences", "manipulated_sequences"
    fill(
        tmp_path,
        *(f"{original}/youtube/c23/videos/{n}.mp4" for n in ("000", "003", "010", "011", "777")),
        f"{original}/youtube/c23/images/000/0007.png",
        f"{original}/actors/c23/videos/24__outside_talking.mp4",
        f"{fake}/Deepfakes/c23/videos/000_003.mp4",
        f"{fake}/Deepfakes/c23/videos/000_010.mp4",
        f"{fake}/Deepfakes/c23/images/000_003/0007.png",
        f"{fake}/Deepfakes/masks/videos/000_003.mp4",
        f"{fake}/NeuralTextures/c23/videos/010_011.mp4",
        f"{fake}/DeepFakeDetection/c23/videos/24_23__outside_talking__YR5OVD4S.mp4",
    )
    (tmp_path / "splits").mkdir()
    for name, pairs in (("train", [["000", "003"]]), ("val", [["010", "011"]]), ("test", [])):
        (tmp_path / "splits" / f"{name}.json").write_text(json.dumps(pairs))
    return tmp_path


def test_faceforensics_rows(faceforensics: Path) -> None:
    rows, said = index("faceforensics", faceforensics)
    youtube, actors = "FaceForensics++ youtube", "FaceForensics++ actors"
    assert cells(rows, "source_path", "split", "label", "kind", "generator", "source_repo", "pair_id") == [
        ("original_sequences/youtube/000", "train", "real", "real_face", "real", youtube, "c23/000"),
        ("original_sequences/youtube/003", "train", "real", "real_face", "real", youtube, "c23/003"),
        ("original_sequences/youtube/010", "val", "real", "real_face", "real", youtube, "c23/010"),
        ("original_sequences/youtube/011", "val", "real", "real_face", "real", youtube, "c23/011"),
        ("original_sequences/youtube/000@0007", "train", "real", "real_face", "real", youtube, "c23/000/0007"),
        ("original_sequences/actors/24__outside_talking", "test", "real", "real_face", "real", actors,
         "c23/24__outside_talking"),
        ("manipulated_sequences/DeepFakeDetection/24_23__outside_talking__YR5OVD4S", "test", "fake", "swap_face",
         "DeepFakeDetection", actors, "c23/24__outside_talking"),
        ("manipulated_sequences/Deepfakes/000_003", "train", "fake", "swap_face", "Deepfakes", youtube, "c23/000"),
        ("manipulated_sequences/Deepfakes/000_003@0007", "train", "fake", "swap_face", "Deepfakes", youtube,
         "c23/000/0007"),
        ("manipulated_sequences/NeuralTextures/010_011", "val", "fake", "reenact_face", "NeuralTextures", youtube,
         "c23/010"),
    ]  # fmt: skip
    assert all((faceforensics / row["file"]).is_file() for row in rows)
    assert [row["published_split"] for row in rows if "actors" in row["source_repo"]] == ["", ""]
    assert "in none of the split files: 2, first" in said  # 777, and the pair 000_010, whose sides are in two splits


def test_faceforensics_names_what_is_wrong(faceforensics: Path) -> None:
    (faceforensics / "splits" / "val.json").write_text('{"a": 1}')
    assert "val.json is no list of pairs" in fails("faceforensics", faceforensics)
    (faceforensics / "splits" / "val.json").unlink()
    assert "val.json is missing" in fails("faceforensics", faceforensics)
    (faceforensics / "manipulated_sequences" / "Zao").mkdir()
    assert "Zao is no method" in fails("faceforensics", faceforensics)
    (faceforensics / "manipulated_sequences").rename(faceforensics / "manipulated")
    assert "manipulated_sequences is missing" in fails("faceforensics", faceforensics)


@pytest.fixture
def celeb_df(tmp_path: Path) -> Path:
    fill(
        tmp_path,
        "Celeb-real/id0_0000.mp4", "Celeb-real/id1_0007.mp4", "YouTube-real/00170.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4", "Celeb-synthesis/id1_id0_0007.mp4", "Celeb-synthesis/odd.mp4",
    )  # fmt: skip
    (tmp_path / "List_of_testing_videos.txt").write_text(
        "1 Celeb-real/id1_0007.mp4\n1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id1_id0_0007.mp4\n"
        "0 Celeb-synthesis/id9_id8_0001.mp4\n"
    )
    return tmp_path


def test_celeb_df_rows(celeb_df: Path) -> None:
    rows, said = index("celeb_df_v2", celeb_df)
    celeb, made = "Celeb-DF v2 Celeb-real", "Celeb-DF v2 synthesis"
    assert cells(rows, "file", "split", "label", "kind", "generator", "source_repo", "pair_id") == [
        ("Celeb-real/id0_0000.mp4", "train", "real", "real_face", "real", celeb, "id0_0000"),
        ("Celeb-real/id1_0007.mp4", "test", "real", "real_face", "real", celeb, "id1_0007"),
        ("YouTube-real/00170.mp4", "test", "real", "real_face", "real", "Celeb-DF v2 YouTube-real", ""),
        ("Celeb-synthesis/id0_id1_0000.mp4", "train", "fake", "swap_face", made, celeb, "id0_0000"),
        ("Celeb-synthesis/id1_id0_0007.mp4", "test", "fake", "swap_face", made, celeb, "id1_0007"),
    ]
    assert "name is not idA_idB_NNNN: 1" in said
    assert "not in the folders: 1, first 'Celeb-synthesis/id9_id8_0001.mp4'" in said


def test_celeb_df_names_what_is_wrong(celeb_df: Path) -> None:
    listing = celeb_df / "List_of_testing_videos.txt"
    listing.write_text("0 Celeb-real/id1_0007.mp4\n")
    assert "lies among the real videos" in fails("celeb_df_v2", celeb_df)
    listing.write_text("Celeb-real/id1_0007.mp4\n")
    assert "not `1 path` or `0 path`" in fails("celeb_df_v2", celeb_df)
    listing.unlink()
    assert "List_of_testing_videos.txt is missing" in fails("celeb_df_v2", celeb_df)
    (celeb_df / "YouTube-real").rename(celeb_df / "Youtube-fake")
    assert "YouTube-real is missing" in fails("celeb_df_v2", celeb_df)


@pytest.fixture
def genimage(tmp_path: Path) -> Path:
    for place in ("BigGAN/imagenet_ai_0419_biggan", "stable_diffusion_v_1_4", "Midjourney"):
        for split in ("train", "val"):
            here = f"{place}/{split}"
            fill(tmp_path, f"{here}/ai/000_{split}.png", f"{here}/nature/ILSVRC2012_val_00000612.JPEG")
    (tmp_path / "stable_diffusion_v_1_4/train/ai/033_sdv4_00134.png").touch()  # as in the published archive
    return tmp_path


def test_genimage_rows(genimage: Path) -> None:
    rows, said = index("genimage", genimage)
    real = ("real", "real_native", "real", "ImageNet (GenImage)", "ILSVRC2012_val_00000612.JPEG", "JPEG")
    wanted = []
    for place, generator, kind in (
        ("BigGAN/imagenet_ai_0419_biggan", "BigGAN", "gan_native"),
        ("Midjourney", "Midjourney", "diff_native"),
        ("stable_diffusion_v_1_4", "Stable Diffusion 1.4", "diff_native"),
    ):
        for split in ("train", "val"):
            fake = f"{place}/{split}/ai/000_{split}.png"
            wanted.append((fake, split, "fake", kind, generator, "GenImage", fake, "PNG"))
            wanted.append((f"{place}/{split}/nature/{real[4]}", split, *real))
    columns = ("file", "split", "label", "kind", "generator", "source_repo", "source_path", "source_format")
    assert cells(rows, *columns) == wanted
    assert "file is empty: 1" in said and "033_sdv4_00134.png" in said
    alone, _ = index("genimage", genimage / "Midjourney")
    assert cells(alone, "file", "generator")[0] == ("train/ai/000_train.png", "Midjourney")


def test_genimage_names_what_is_wrong(genimage: Path) -> None:
    (genimage / "Midjourney/val/nature").rename(genimage / "Midjourney/val/real")
    assert f"{Path('Midjourney/val/nature')} is missing" in fails("genimage", genimage)
    assert "holds no folder of a generator" in fails("genimage", genimage / "Midjourney" / "train")


@pytest.fixture
def deepfake_eval(tmp_path: Path) -> Path:
    fill(tmp_path, "image-data/a.jpg", "image-data/b.webp", "image-data/u.png", "video-data/c.mp4")
    (tmp_path / "image-metadata-publish.csv").write_text(
        "Filename,Ground Truth,Finetuning Set\na.jpg,Fake,Train\nb.webp,Real,Test\nu.png,Unknown,Test\n"
        "#NAME?,Fake,Test\ngone.jpg,Fake,Test\n../a.jpg,Fake,Test\n"
    )
    (tmp_path / "video-metadata-publish-with-links.csv").write_text("Filename,Video Ground Truth,Media\nc.mp4,Fake,x\n")
    return tmp_path


def test_deepfake_eval_rows(deepfake_eval: Path) -> None:
    rows, said = index("deepfake_eval_2024", deepfake_eval)
    assert cells(rows, "file", "split", "label", "kind", "generator", "published_split", "source_format") == [
        ("image-data/a.jpg", "test", "fake", "wild_native", "in the wild (not stated)", "Train", "JPEG"),
        ("image-data/b.webp", "test", "real", "real_native", "real", "Test", "WEBP"),
        ("video-data/c.mp4", "test", "fake", "wild_native", "in the wild (not stated)", "", "VIDEO"),
    ]
    assert "neither Fake nor Real: 1, first 'u.png'" in said and "file is missing: 1" in said
    assert "no file name of such a medium in the metadata: 2, first '#NAME?'" in said


def test_deepfake_eval_names_what_is_wrong(deepfake_eval: Path) -> None:
    (deepfake_eval / "image-metadata-publish.csv").write_text("Filename,Label\na.jpg,Fake\n")
    assert "image-metadata-publish.csv has no column Ground Truth" in fails("deepfake_eval_2024", deepfake_eval)
    (deepfake_eval / "image-metadata-publish.csv").unlink()
    assert "image-metadata-publish.csv is missing" in fails("deepfake_eval_2024", deepfake_eval)
    (deepfake_eval / "image-data").rename(deepfake_eval / "images")
    (deepfake_eval / "video-data").rename(deepfake_eval / "videos")
    assert "image-data is missing" in fails("deepfake_eval_2024", deepfake_eval)


@pytest.fixture
def asvspoof(tmp_path: Path) -> Path:
    lines = {
        "LA": ["LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
               "LA_0001 LA_E_1 none loc_tx - bonafide notrim progress",
               "LA_0009 LA_E_2 alaw ita_tx A17 spoof trim hidden"],
        "DF": ["LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
               "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder Task1 team20 FF E",
               "TGF1 DF_E_2000024 mp3m4a vcc2020 - bonafide notrim eval - - - - G"],
    }  # fmt: skip
    for track, text in lines.items():
        fill(tmp_path, f"keys/{track}/CM/trial_metadata.txt")
        (tmp_path / f"keys/{track}/CM/trial_metadata.txt").write_text("\n".join(text) + "\n")
        fill(tmp_path, *(f"ASVspoof2021_{track}_eval/flac/{line.split()[1]}.flac" for line in text))
    return tmp_path


def test_asvspoof_rows(asvspoof: Path) -> None:
    rows, said = index("asvspoof2021", asvspoof)
    columns = ("split", "label", "system", "family", "language", "speaker", "codec", "source_repo", "published_split")
    assert cells(rows, *columns) == [
        ("test", "fake", "asvspoof A07", "tts", "en", "LA_0009", "flac (alaw over ita_tx)", "ASVspoof 2021 LA asvspoof",
         "eval"),
        ("val", "real", "real", "real", "en", "LA_0001", "flac (none over loc_tx)", "ASVspoof 2021 LA asvspoof",
         "progress"),
        ("val", "fake", "asvspoof A14", "tts_vc", "en", "LA_0023", "flac (nocodec)", "ASVspoof 2021 DF asvspoof",
         "progress"),
        ("test", "fake", "vcc2020 Task1-team20", "vc", "en", "TEF2", "flac (low_m4a)", "ASVspoof 2021 DF vcc2020",
         "eval"),
        ("test", "real", "real", "real", "und", "TGF1", "flac (mp3m4a)", "ASVspoof 2021 DF vcc2020", "eval"),
    ]  # fmt: skip
    assert [row["file"] for row in rows[:2]] == [f"ASVspoof2021_LA_eval/flac/LA_E_{n}.flac" for n in ("9332881", "1")]
    assert all((asvspoof / row["file"]).is_file() for row in rows)
    assert "phase hidden: 1" in said


def test_asvspoof_names_what_is_wrong(asvspoof: Path) -> None:
    keys = asvspoof / "keys/DF/CM/trial_metadata.txt"
    keys.write_text("LA_0023 DF_E_2000011 - A14 spoof\n")
    assert f"{keys}, line 1: not 13 columns" in fails("asvspoof2021", asvspoof)
    keys.unlink()
    assert "DF-keys-full.tar.gz" in fails("asvspoof2021", asvspoof)
    (asvspoof / "ASVspoof2021_DF_eval/flac").rename(asvspoof / "ASVspoof2021_DF_eval/wav")
    assert f"{Path('ASVspoof2021_DF_eval/flac')} is missing" in fails("asvspoof2021", asvspoof)
    assert "ASVspoof2021_LA_eval is missing" in fails("asvspoof2021", asvspoof / "keys")


def test_in_the_wild_rows_and_errors(tmp_path: Path) -> None:
    fill(tmp_path, "0.wav", "4.wav")
    meta = tmp_path / "meta.csv"
    meta.write_text(
        "file,speaker,label\n0.wav,Alec Guinness,spoof\n4.wav,Christopher Hitchens,bona-fide\n5.wav,X,spoof\n"
    )
    rows, said = index("in_the_wild", tmp_path)
    assert cells(rows, "file", "split", "label", "system", "family", "language", "speaker", "codec") == [
        ("0.wav", "test", "fake", "in the wild (not stated)", "unknown", "en", "Alec Guinness", "wav"),
        ("4.wav", "test", "real", "real", "real", "en", "Christopher Hitchens", "wav"),
    ]
    assert "file is missing: 1" in said and "2 rows" in said
    meta.write_text("file,speaker,label\n0.wav,A,genuine\n")
    assert "the label 'genuine'" in fails("in_the_wild", tmp_path)
    meta.write_text("file,label\n0.wav,spoof\n")
    assert "has no column speaker" in fails("in_the_wild", tmp_path)
    meta.unlink()
    assert "meta.csv is missing" in fails("in_the_wild", tmp_path)


def write_shard(path: Path, rows: list[dict[str, object]]) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="SEA-Spoof is published as Parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    importlib.import_module("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(rows), path)


def sea_row(name: str, label: str, **more: object) -> dict[str, object]:
    row = {"row_id": name, "audio": {"bytes": b"fLaC" + name.encode(), "path": f"{label}_{name}.flac"},
           "language": "vi", "label": label, "spoof_type": "", "source_model": label, "source_dataset": "common_voice",
           "speaker_or_voice": "", "sampling_rate": 16000, "text": "x"}  # fmt: skip
    return {**row, **more}


def test_sea_spoof_rows(tmp_path: Path) -> None:
    fake = sea_row("r1", "spoof", source_model="xtts-v2", spoof_type="tts", speaker_or_voice="v3", source_dataset="")
    silent = sea_row("r4", "bonafide", audio={"bytes": b"", "path": None})
    write_shard(tmp_path / "data/train/train-00000.parquet", [fake, sea_row("r2", "bonafide"), silent])
    write_shard(tmp_path / "data/validation/validation-00000.parquet", [sea_row("r2", "bonafide")])
    write_shard(tmp_path / "data/evaluation/evaluation-00000.parquet", [sea_row("r3", "bonafide", language="th")])
    rows, said = index("sea_spoof", tmp_path, "--into", tmp_path / "out")
    columns = ("split", "label", "system", "family", "language", "speaker", "native_sr", "source_repo",
               "published_split")  # fmt: skip
    source = "SEA-Spoof common_voice"
    assert cells(rows, *columns) == [
        ("train", "fake", "xtts-v2", "tts", "vi", "v3", "16000", "SEA-Spoof not stated", "train"),
        ("train", "real", "real", "real", "vi", "", "16000", source, "train"),
        ("val", "real", "real", "real", "vi", "", "16000", source, "validation"),
        ("test", "real", "real", "real", "th", "", "16000", source, "evaluation"),
    ]
    clips = [tmp_path / "out" / row["file"] for row in rows]
    assert [clip.read_bytes() for clip in clips] == [b"fLaCr1", b"fLaCr2", b"fLaCr2", b"fLaCr3"]
    assert len(set(clips)) == 4 and not any("spoof" in row["file"] for row in rows)
    assert rows[0]["source_path"] == "data/train/train-00000.parquet@r1" and "no sound in the row: 1" in said
    assert index("sea_spoof", tmp_path, "--into", tmp_path / "out")[0] == rows


def test_sea_spoof_names_what_is_wrong(tmp_path: Path) -> None:
    assert "data is missing" in fails("sea_spoof", tmp_path)
    (tmp_path / "data/train").mkdir(parents=True)
    assert f"{Path('data/train')} holds no .parquet file" in fails("sea_spoof", tmp_path)
    fill(tmp_path, *(f"data/{split}/0.parquet" for split in ("train", "validation", "evaluation")))
    said = fails("sea_spoof", tmp_path)
    assert "is not readable as Parquet" in said or "pip install pyarrow" in said
    write_shard(tmp_path / "data/train/0.parquet", [{"row_id": "r1", "label": "spoof"}])
    assert "has no column audio" in fails("sea_spoof", tmp_path)


def test_plain_folder_rows(tmp_path: Path) -> None:
    fill(tmp_path, "real/phone/2024/é.jpg", "real/loose.png", "synthetic/GAN X/é.webp", "synthetic/GAN X/note.txt")
    rows, said = index("plain_folder", tmp_path)
    here = tmp_path.name
    assert sorted(cells(rows, "file", "split", "label", "kind", "generator", "source_repo", "pair_id")) == [
        ("real/loose.png", "test", "real", "real_native", "real", here, ""),
        ("real/phone/2024/é.jpg", "test", "real", "real_native", "real", "phone", ""),
        ("synthetic/GAN X/é.webp", "test", "fake", "diff_native", "GAN X", "GAN X", ""),
    ]
    assert "not such a media file by its suffix: 1" in said
    faces, _ = index("plain_folder", tmp_path, "--task", "face-manipulation", "--pairs", "--split", "train")
    assert ("swap_face", "é", "train") in cells(faces, "kind", "pair_id", "split")


def test_plain_folder_of_speech_and_errors(tmp_path: Path) -> None:
    fill(tmp_path, "real/calls/a.opus", "synthetic/Piper/b.wav")
    rows, _ = index("plain_folder", tmp_path, "--media", "audio", "--language", "fr")
    assert cells(rows, "file", "label", "system", "source_repo", "language", "codec") == [
        ("real/calls/a.opus", "real", "real", "calls", "fr", "opus"),
        ("synthetic/Piper/b.wav", "fake", "Piper", "Piper", "fr", "wav"),
    ]
    assert "hold no media file" in fails("plain_folder", tmp_path)
    (tmp_path / "synthetic").rename(tmp_path / "fake")
    assert "synthetic is missing" in fails("plain_folder", tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_root_is_named_and_every_set_has_a_card(name: str, tmp_path: Path) -> None:
    assert f"folder {tmp_path / 'none'} is missing" in fails(name, tmp_path / "none")
    card = (ROOT / "datasets" / name / "README.md").read_text(encoding="utf-8")
    for heading in ("Licence and access", "Layout", "Shortcuts and leaks", "Splits", "Cite"):
        assert f"## {heading}" in card


def test_every_folder_is_tested() -> None:
    assert tuple(sorted(path.parent.name for path in ROOT.glob("datasets/*/index.py"))) == NAMES


def test_the_visual_training_reads_the_manifest(faceforensics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    corpus = importlib.import_module("corpus")
    done = call("faceforensics", faceforensics)
    (faceforensics / "manifest.csv").write_text(done.stdout, encoding="utf-8")
    folds = faceforensics / "folds.toml"
    folds.write_text(
        'cap = 150\n[face-manipulation]\nfake_kinds = ["swap_face", "reenact_face"]\nreal_kinds = ["real_face"]\n'
        '[face-manipulation.folds.one]\ngenerators = ["Deepfakes", "NeuralTextures"]\n'
        'reals = ["FaceForensics++ youtube"]\n'
        '[face-manipulation.folds.two]\ngenerators = ["DeepFakeDetection"]\nreals = ["FaceForensics++ actors"]\n'
    )
    monkeypatch.setattr(corpus, "FOLDS", folds)
    monkeypatch.setattr(corpus, "PACKS", (faceforensics.name,))
    found = corpus.rows(faceforensics.parent, "face-manipulation")
    assert len(found) == 10 and {row.fold for row in found} == {"one", "two"}
    frame = [row for row in found if row.pair == "c23/000/0007"]
    assert sorted(row.fake for row in frame) == [False, True]
    whole = next(row for row in found if row.pair == "c23/000" and not row.fake)
    assert next(row for row in frame if not row.fake).picture == whole.picture


def test_own_pictures_become_crops_and_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmarks/run.py own` begins with this; its heads are left out here, since they take minutes."""
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    prepare, corpus = importlib.import_module("prepare"), importlib.import_module("corpus")
    root, work, rng = tmp_path / "root", tmp_path / "work", np.random.default_rng(0)
    for place in ("real/phone", "synthetic/one", "synthetic/two"):
        (root / place).mkdir(parents=True)
        for name in "ab":
            Image.fromarray(rng.integers(0, 255, (300, 400, 3), np.uint8)).save(root / place / f"{name}.png")
    (root / "real" / "phone" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    prepare.prepare(root, work, "synthetic-image")
    rows = corpus.rows(work, "synthetic-image")
    assert len(rows) == 6 and all((work / row.file).exists() for row in rows)
    folds = {fold: {(row.fake, row.family) for row in rows if row.fold == fold} for fold in ("fold-1", "fold-2")}
    assert all({fake for fake, _ in side} == {True, False} for side in folds.values())
    assert {f for fake, f in folds["fold-1"] if fake}.isdisjoint(f for fake, f in folds["fold-2"] if fake)
    before = (work / "protocol.toml").read_text()
    prepare.prepare(tmp_path / "elsewhere", work, "synthetic-image")
    assert (work / "protocol.toml").read_text() == before, "folds that exist stay"
    with pytest.raises(ValueError, match="two of each"):
        prepare.deal([{"label": "real", "source_repo": "x", "source_path": "a", "generator": "real"}])


def test_the_audio_training_reads_the_manifest(asvspoof: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "audio"))
    head = importlib.import_module("head")
    done = call("asvspoof2021", asvspoof)
    (asvspoof / "manifest.csv").write_text(done.stdout, encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    lines = [f"{row['file']},one,{'synthetic' if row['label'] == 'fake' else 'real'},{row['system']}" for row in rows]
    (asvspoof / "folds.csv").write_text("\n".join(["file,fold,label,system", *lines]) + "\n")
    monkeypatch.setattr(head, "PROTOCOL", asvspoof / "folds.csv")
    clips = head.load_clips(asvspoof)
    assert clips.synthetic.tolist() == [True, False, True, True, False]
    assert clips.split.tolist() == ["test", "val", "val", "test", "test"]
    assert set(clips.source) == {f"ASVspoof 2021 {name}" for name in ("LA asvspoof", "DF asvspoof", "DF vcc2020")}
