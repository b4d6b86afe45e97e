"""The values of private columns stand nowhere: not in lines, messages, metrics, nor in the store."""

import os

import numpy as np
import pandas as pd

from tests.bad_input.world import START, Seen, World, live_rows

SECRETS = ("Zanzibar", "Atlantis", "Eldorado", "Shangri", "98765.25", "-98765.25", "Hades", "4321.5")


def private(columns: str) -> dict[str, str]:
    return {"features": f"private: [{columns}]"}


def silent(world: World, seen: Seen) -> None:
    """No secret in what was printed, scraped or stored."""
    store = b"".join(file.read_bytes() for file in world.folder.glob("driftd.db*"))
    shown = f"{seen.ran.out}\n{seen.ran.err}\n{seen.scrape}"
    for secret in SECRETS:
        assert secret not in shown, secret
        assert secret.encode() not in store, secret


def cities(rows: pd.DataFrame) -> pd.DataFrame:
    """Categories that are secret; the last live day has new ones, and is all of one."""
    names = rows["city"].map({"Bern": "Zanzibar", "Lima": "Atlantis"}).fillna("Eldorado")
    return rows.assign(city=names)


class TestFeatures:
    def test_categories_that_are_new(self, world):
        seen = world.run(
            live=lambda day: day.assign(city=np.where(day.index % 2, "Shangri", "Hades")),
            usual=cities,
            **private("city"),
        )
        assert seen.problems()["city", "unseen_category"] == (
            "400 of 400 rows have categories in 'city' that the reference lacks"
        )
        assert seen.opened == {"quality"}
        silent(world, seen)

    def test_a_category_alone(self, world):
        seen = world.run(live=lambda day: day.assign(city="Zanzibar"), usual=cities, **private("city"))
        message = "column 'city' has the single value in 400 rows; the reference has several"
        assert seen.problems()["city", "constant"] == message
        assert "covariate" in seen.opened
        silent(world, seen)

    def test_numbers_that_are_texts(self, world):
        seen = world.run(
            live=lambda day: day.assign(age=["Zanzibar"] * len(day)),
            **private("age"),
        )
        assert seen.problems()["age", "type_changed"] == (
            "400 of 400 values in 'age' are no numbers; the reference has numbers; they count as missing"
        )
        silent(world, seen)

    def test_outliers(self, world):
        def outlier(value):
            return lambda rows: rows.assign(age=rows["age"].where(rows.index != 3, value))

        seen = world.run(live=outlier(98765.25), usual=outlier(4321.5), **private("age"))
        assert seen.problems()["age", "outliers"] == (
            "values in 'age' lie far outside of the reference's range; distances cap them"
        )
        silent(world, seen)

    def test_a_number_alone(self, world):
        seen = world.run(live=lambda day: day.assign(age=98765.25), **private("age"))
        assert "constant" in {reason for _, reason in seen.problems()}
        silent(world, seen)

    def test_no_numbers_in_the_reference(self, world):
        seen = world.run(usual=cities, features="numeric: [city], private: [city]")
        assert seen.problems()["city", "mixed_types"].startswith(
            "no value of 'city' in the reference is a number;"
        )
        silent(world, seen)

    def test_texts_that_are_not_utf8(self, world):
        def prepare(folder):
            (folder / "live/2.parquet").unlink()
            day = live_rows(1)
            text = day.assign(city=day["city"].mask(day.index < 9, "Zanzibar\xfc")).to_csv(index=False)
            (folder / "live/2.csv").write_bytes(text.encode("latin-1"))
            os.utime(folder / "live/2.csv", (0, 0))

        seen = world.run(usual=cities, prepare=prepare, **private("city"))
        assert ("city", "bad_encoding") in seen.problems()
        silent(world, seen)

    def test_lines_that_cannot_be_read(self, world):
        def prepare(folder):
            (folder / "live/2.parquet").unlink()
            file = folder / "live/2.jsonl"
            live_rows(1).assign(ts=str(START)).to_json(file, orient="records", lines=True)
            file.write_text('{"city": "Zanzibar", \n' + file.read_text())
            os.utime(file, (0, 0))

        seen = world.run(usual=cities, prepare=prepare, **private("city"))
        silent(world, seen)


def outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    names = np.array(["Atlantis", "Zanzibar"])
    return rows.assign(y=names[rows["y"]], y_pred=names[rows["y_pred"]])


class TestLabels:
    def test_classes(self, world):
        seen = world.run(
            live=lambda day: outcomes(day).assign(y="Atlantis"),
            usual=outcomes,
            yaml=lambda text: text.replace("label: y", "label: y\n  positive: Zanzibar"),
            **private("y, y_pred"),
        )
        assert seen.ran.code == 1, seen.ran.err
        assert "label" in seen.opened
        assert (
            seen.problems()["y", "one_class"]
            == "all 400 labels are of one class; what compares classes is undefined"
        )
        silent(world, seen)

    def test_classes_that_do_not_fit(self, world):
        seen = world.run(
            usual=outcomes,
            yaml=lambda text: text.replace("label: y", "label: y\n  positive: 1"),
            **private("y, y_pred"),
        )
        assert seen.ran.code == 2
        assert "columns.positive" in seen.ran.err
        silent(world, seen)
