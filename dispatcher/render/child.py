"""The child of `checked`: JSON on stdin, one line a template on stdout.

python -m dispatcher.render.child CPU_SECONDS MEMORY_MIB
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates


def main() -> None:
    _limit(cpu_s=int(sys.argv[1]), memory_mib=int(sys.argv[2]))
    request = json.loads(sys.stdin.buffer.read())
    templates = Templates(request["sources"])
    for name, source in request["templates"]:
        answer = [vars(problem) for problem in _problems(templates, name, source, request["variables"])]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _limit(cpu_s: int, memory_mib: int) -> None:
    if sys.platform == "win32":
        return  # the parent's time-out alone
    import resource

    for limit, value in ((resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, memory_mib << 20)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows no RLIMIT_AS
            resource.setrlimit(limit, (value, value))


def _problems(templates: Templates, name: str, source: str, variables: Mapping[str, Any]) -> list[TemplateProblem]:
    try:
        templates.compile(source, name).render(variables)
    except TemplateProblem as problem:
        return [problem]
    return []


if __name__ == "__main__":
    main()
