"""Small Block Kit structures of a wanted size, for tests of Slack's limits."""

from typing import TypeAlias

Block: TypeAlias = dict[str, object]
Blocks: TypeAlias = list[Block]


def plain(length: int) -> Block:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Block:
    return {"type": "mrkdwn", "text": "x" * length}


def button(number: int = 0, **fields: object) -> Block:
    return {"type": "button", "action_id": f"a{number}", "text": plain(1), **fields}


def actions(*elements: Block) -> Blocks:
    return [{"type": "actions", "elements": list(elements)}]


def menu(kind: str, options: list[Block]) -> Blocks:
    return actions({"type": kind, "action_id": "m", "options": options})


def option(number: int, *, text: int = 1, value: int = 0) -> Block:
    return {"text": plain(text), "value": "v" * value or f"v{number}"}


def confirm(**lengths: int) -> Blocks:
    usual = {"title": 1, "text": 1, "confirm": 1, "deny": 1, **lengths}
    return actions(button(confirm={name: plain(length) for name, length in usual.items()}))


def table(rows: int = 1, columns: int = 1, cell: Block | None = None) -> Blocks:
    filled = cell or {"type": "raw_text", "text": "x"}
    return [{"type": "table", "rows": [[filled] * columns for _ in range(rows)]}]


def data_table(height: int = 2, columns: int = 1, **fields: object) -> Blocks:
    cells = [[{"type": "raw_text", "text": "x"}] * columns for _ in range(height)]
    return [{"type": "data_table", "caption": "c", "rows": cells, **fields}]


def chart(
    points: int = 1, series: int = 1, *, label: int = 0, name: int = 0, title: int = 1
) -> Block:
    labels = [(f"{number:02d}" + "l" * label)[: label or 2] for number in range(points)]
    data = [{"label": text, "value": 1} for text in labels]
    names = [(f"{number}" + "n" * name)[: name or 1] for number in range(series)]
    return {
        "type": "data_visualization",
        "title": "t" * title,
        "chart": {
            "type": "line",
            "series": [{"name": text, "data": data} for text in names],
            "axis_config": {"categories": labels},
        },
    }


def axis(**fields: object) -> Blocks:
    block = chart()
    drawn = block["chart"]
    assert isinstance(drawn, dict)
    drawn["axis_config"] = {"categories": ["00"], **fields}
    return [block]


def container(children: int = 1, title: int = 1) -> Blocks:
    return [
        {
            "type": "container",
            "title": plain(title),
            "child_blocks": [{"type": "divider"}] * children,
        }
    ]
