"""A kind of import contract of our own: a package imports only what a list allows.

A list of what is allowed stays right when the world grows; a list of what is forbidden does not.
"""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Holds while `package` imports nothing but its own distribution and what the lists name.

    `outside` lists top-level packages of other distributions, `standard` those of the standard
    library (all of it when left out), `except_imports` single imports as "module -> package".
    """

    type_name = "only"

    package = fields.StringField()
    outside = fields.SetField(subfield=fields.StringField())
    standard = fields.SetField(subfield=fields.StringField(), required=False)
    except_imports = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the base's signature
        """List the imports that nothing allows; the contract is kept when there are none."""
        standard = cast("set[str] | None", self.standard)
        package = cast("str", self.package)
        allowed = cast("set[str]", self.outside) | (set(sys.stdlib_module_names) if standard is None else standard)
        single = cast("set[str] | None", self.except_imports) or set()
        found = []
        for importer in sorted({package} | graph.find_descendants(package)):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                outside = graph.is_module_squashed(imported)
                if outside and imported not in allowed and f"{importer} -> {imported}" not in single:
                    line = graph.get_import_details(importer=importer, imported=imported)[0]["line_number"]
                    found.append(f"{importer} -> {imported} (line {line})")
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that nothing allows."""
        for line in check.metadata["found"]:
            output.print_error(f"- {line}", bold=False)
