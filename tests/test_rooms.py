"""The rooms of pyproject.toml: every room is listed there, and no module imports itself by way of others."""

import tomllib

import grimp
import networkx

from tests.installation import SOURCE

CONTRACTS = tomllib.loads((SOURCE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_every_room_has_its_place():
    rooms = {
        f"abreast.{folder.name}" for folder in (SOURCE / "abreast").iterdir() if (folder / "__init__.py").is_file()
    }
    assert rooms == set(CONTRACTS[0]["layers"]) - {"flows", "tasks"}


def test_no_module_imports_itself_by_way_of_others():
    graph = grimp.build_graph("abreast", "tasks", "flows", cache_dir=None)
    imports = networkx.DiGraph(
        (module, imported) for module in graph.modules for imported in graph.find_modules_directly_imported_by(module)
    )
    assert [sorted(circle) for circle in networkx.strongly_connected_components(imports) if len(circle) > 1] == []
