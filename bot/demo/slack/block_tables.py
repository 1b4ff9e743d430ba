"""Limits of the blocks that carry figures: table, data_table and data_visualization.

Figures: Slack's Block Kit reference; of two published figures the lower one, since what the lower
allows both allow. A message holds one table and two charts.
"""

from collections.abc import Iterable

from bot.demo.slack.block_elements import check_rich_text
from bot.demo.slack.inspection import Inspection, Place
from bot.demo.slack.wire import as_list, as_object

TABLE_ROWS_MOST = 100
TABLE_COLUMNS_MOST = 20
TABLE_CHARACTERS_MOST = 10_000
CHART_SERIES_MOST = 6
CHART_POINTS_MOST = 20
CHART_LABEL_MOST = 20
CHART_TITLE_MOST = 50


def characters(value: object) -> int:
    """How many characters the `text` fields of a structure hold together."""
    if isinstance(value, dict):
        own = value.get("text")
        here = len(own) if isinstance(own, str) else 0
        return here + sum(characters(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(characters(item) for item in value)
    return 0


def check_table(inspection: Inspection, table: Place) -> None:
    """A `table` block. Rows may differ in length; no cell may be empty."""
    rows = inspection.items(table, "rows", most=TABLE_ROWS_MOST)
    _check_rows(inspection, rows, pointer=table.below("rows"))
    if table.value.get("column_settings") is not None:
        _check_columns(inspection, table)


def _check_columns(inspection: Inspection, table: Place) -> None:
    settings = inspection.items(table, "column_settings", most=TABLE_COLUMNS_MOST, least=0)
    given = [item for item in settings if item is not None]
    for column in inspection.objects(table.below("column_settings"), given):
        inspection.one_of(column, "align", allowed=("left", "center", "right"))


def check_data_table(inspection: Inspection, table: Place) -> None:
    """A `data_table` block: a header row, rows of the same length, and a caption."""
    rows = inspection.items(table, "rows", most=TABLE_ROWS_MOST + 1, least=2)
    _check_rows(inspection, rows, pointer=table.below("rows"))
    inspection.string(table, "caption", most=3000, required=True)
    widths = {len(row) for row in map(as_list, rows) if row is not None}
    if len(widths) > 1:
        inspection.complain(table.below("rows"), "all rows must have the same number of columns")
    for index, cell in enumerate((as_list(rows[0]) or []) if rows else []):
        if (as_object(cell) or {}).get("type") == "rich_text":
            pointer = f"{table.below('rows')}/0/{index}/type"
            inspection.complain(pointer, "unsupported type: rich_text")
    page_size = table.value.get("page_size", 5)
    if not isinstance(page_size, int) or not 1 <= page_size <= 100:
        inspection.complain(table.below("page_size"), "must be between 1 and 100")


def _check_rows(inspection: Inspection, rows: list[object], *, pointer: str) -> None:
    for index, row in enumerate(rows):
        cells = as_list(row)
        if cells is None:
            inspection.complain(f"{pointer}/{index}", "must provide an array")
            continue
        inspection.count(f"{pointer}/{index}", cells, most=TABLE_COLUMNS_MOST)
        for cell in inspection.objects(f"{pointer}/{index}", cells):
            _check_cell(inspection, cell)
    if characters(rows) > TABLE_CHARACTERS_MOST:
        inspection.complain(pointer, f"must be less than {TABLE_CHARACTERS_MOST + 1} characters")


def _check_cell(inspection: Inspection, cell: Place) -> None:
    match cell.value.get("type"):
        case "raw_text":
            inspection.string(cell, "text", most=TABLE_CHARACTERS_MOST, required=True)
        case "raw_number":
            _check_number(inspection, cell)
            inspection.string(cell, "text", most=TABLE_CHARACTERS_MOST)
        case "rich_text":
            check_rich_text(inspection, cell)
            if characters(cell.value) == 0 and not _has_wordless_element(cell.value):
                inspection.complain(cell.below("elements"), "must be more than 0 characters")
        case kind:
            inspection.complain(cell.below("type"), f"unsupported type: {kind}")


def _has_wordless_element(value: object) -> bool:
    """Whether something but text fills the cell, such as a link, an emoji or a person."""
    if isinstance(value, dict):
        own = value.get("type") in ("link", "emoji", "user", "usergroup", "channel", "date")
        return own or any(_has_wordless_element(item) for item in value.values())
    return isinstance(value, list) and any(_has_wordless_element(item) for item in value)


def _check_number(inspection: Inspection, place: Place) -> None:
    value = place.value.get("value")
    if value is None:
        inspection.missing(place, "value")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        inspection.complain(place.below("value"), "must provide a number")


def check_chart(inspection: Inspection, block: Place) -> None:
    """A `data_visualization` block: a title and one line, bar, area or pie chart."""
    inspection.string(block, "title", most=CHART_TITLE_MOST, required=True)
    chart = inspection.object(block, "chart", required=True)
    if chart is None:
        return
    match chart.value.get("type"):
        case "pie":
            _check_segments(inspection, chart)
        case "line" | "bar" | "area":
            _check_series(inspection, chart)
        case kind:
            inspection.complain(chart.below("type"), f"unsupported type: {kind}")


def _check_segments(inspection: Inspection, chart: Place) -> None:
    for segment in inspection.places(chart, "segments", most=CHART_SERIES_MOST):
        inspection.string(segment, "label", most=CHART_LABEL_MOST, required=True)
        _check_number(inspection, segment)


def _check_series(inspection: Inspection, chart: Place) -> None:
    categories = _check_axis(inspection, chart)
    names = []
    for series in inspection.places(chart, "series", most=CHART_SERIES_MOST):
        names.append(inspection.string(series, "name", most=CHART_LABEL_MOST, required=True))
        labels = [_check_point(inspection, p) for p in _points(inspection, series)]
        if sorted(map(str, labels)) != sorted(map(str, categories)):
            inspection.complain(series.below("data"), "must have exactly one point per category")
    _check_unique(inspection, names, pointer=chart.below("series"))


def _points(inspection: Inspection, series: Place) -> list[Place]:
    return inspection.places(series, "data", most=CHART_POINTS_MOST)


def _check_point(inspection: Inspection, point: Place) -> str | None:
    _check_number(inspection, point)
    return inspection.string(point, "label", most=CHART_LABEL_MOST, required=True)


def _check_axis(inspection: Inspection, chart: Place) -> list[object]:
    axis = inspection.object(chart, "axis_config", required=True)
    if axis is None:
        return []
    inspection.string(axis, "x_label", most=50)
    inspection.string(axis, "y_label", most=50)
    categories = inspection.items(axis, "categories", most=CHART_POINTS_MOST)
    for index, category in enumerate(categories):
        pointer = f"{axis.below('categories')}/{index}"
        inspection.length(pointer, str(category), most=CHART_LABEL_MOST)
    _check_unique(inspection, categories, pointer=axis.below("categories"))
    return categories


def _check_unique(inspection: Inspection, names: Iterable[object], *, pointer: str) -> None:
    listed = list(names)
    if len(set(map(str, listed))) != len(listed):
        inspection.complain(pointer, "must be unique")
