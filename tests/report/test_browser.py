"""The page in a browser: silent, asking for nothing, its players move, its matrix answers, wide and narrow."""

import asyncio

import pytest

from dsta_jax import report
from dsta_jax.report import sections
from tests.report import browser


@pytest.fixture
def visit(tmp_path, made_data, made_run, monkeypatch):
    """Writes a report of two bodies and awful names, opens it and has it looked at; the browser may say nothing."""
    browser.needed()
    monkeypatch.setattr(sections, "_attention", lambda _: "no maps")

    def visit(look):
        data = made_data(("</script><b>", *(f"class {k}" for k in range(1, 8))), each=3, bodies=2)
        path = report.write(made_run(data, right=0.5), data)

        async def visited():
            async with browser.opened(path, tmp_path / "profile") as page:
                await page.look(1280)
                await look(page)
                assert page.said == []
                assert [address for address in page.asked if not address.startswith("data:")] == [path.as_uri()]

        asyncio.run(visited())

    return visit


async def frames(page, selector="canvas[data-clip]"):
    """What a player shows now, and after a third of a second."""
    shown = []
    for _ in range(2):
        shown.append(await page.run(f"document.querySelector({selector!r}).toDataURL()"))
        await asyncio.sleep(0.35)
    return shown


def test_player_plays_and_pauses_by_button_and_keys(visit):
    async def look(page):
        await page.run("document.querySelector('.player').scrollIntoView({behavior: 'instant'})")
        first, second = await frames(page)
        assert first == second, "it waits"
        button = "document.querySelector('.player button')"
        await page.run(f"{button}.click()")
        first, second = await frames(page)
        assert first != second, "it plays"
        assert await page.run(f"{button}.getAttribute('aria-label')") == "Pause"
        await page.run("document.querySelector('.player').focus()")
        await page.key(" ")
        first, second = await frames(page)
        assert first == second, "space stops it"
        await page.key("ArrowRight")
        assert (await frames(page))[0] != second, "a frame further"
        await page.key("Home")
        assert await page.run("document.querySelector('.player input').value") == "0"

    visit(look)


def test_scrubber_shows_another_frame_and_dragging_turns_the_body(visit):
    async def look(page):
        await page.run("document.querySelector('.player').scrollIntoView({behavior: 'instant'})")
        (before, _) = await frames(page)
        await page.run(
            "(slider => {slider.value = 900; slider.dispatchEvent(new Event('input', {bubbles: true}))})"
            "(document.querySelector('.player input'))"
        )
        (after, _) = await frames(page)
        assert before != after
        await page.drag("canvas[data-clip]", 60)
        assert (await frames(page))[0] != after

    visit(look)


def test_matrix_says_what_a_cell_is_about(visit):
    async def look(page):
        await page.run("document.getElementById('matrix').focus()")
        await page.key("ArrowDown")
        said = await page.run("document.getElementById('cell').textContent")
        assert said.startswith("“</script><b>” (1) is recognised in ") and "of 3 recordings" in said
        await page.key("ArrowRight")
        said = await page.run("document.getElementById('cell').textContent")
        assert "taken for “class 1” (2)" in said

    visit(look)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_fits_its_window_in_light_and_dark(visit, width, dark):
    async def look(page):
        await page.look(width, dark)
        await asyncio.sleep(0.2)
        assert await page.run("document.documentElement.scrollWidth") <= width
        ground, ink = await page.run("[getComputedStyle(document.body)].map(s => [s.backgroundColor, s.color])[0]")
        brightness = [sum(map(int, color[4:-1].split(","))) for color in (ground, ink)]
        assert (brightness[0] < 200 and brightness[1] > 500) == dark
        assert (brightness[0] > 500 and brightness[1] < 200) != dark

    visit(look)
