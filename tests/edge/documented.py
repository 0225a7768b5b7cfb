"""What the OpenAPI document says of an answer, for tests that have one."""

import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

Document = dict[str, Any]


def operations(document: Document) -> "Iterator[tuple[str, str, Any]]":
    """Path, method in capitals and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def must_be_documented(document: Document, method: str, path: str, answer: "httpx.Response") -> None:
    """Hold an answer against the operation that it is of. Where there is none, 404 and 405 are right."""
    operation = _operation(document, method, path)
    if operation is None:
        assert answer.status_code in {404, 405}, (method, path)
        return
    documented = operation["responses"][str(answer.status_code)]
    for name, header in documented["headers"].items():
        assert name in answer.headers or not _resolved(document, header).get("required"), name
    if "content" not in documented:
        assert answer.content == b""
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    validator(document, documented["content"][media_type]["schema"]).validate(_said(media_type, answer))


def validator(document: Document, schema: Any) -> Draft202012Validator:  # noqa: ANN401  # JSON
    """Of a schema within the document."""
    return Draft202012Validator({**schema, "components": document["components"]})


def _said(media_type: str, answer: "httpx.Response") -> object:
    return answer.json() if media_type.endswith("json") else answer.text


def _operation(document: Document, method: str, path: str) -> Any:  # noqa: ANN401
    """Of the templates that fit a path the one with the fewest parameters is meant (OpenAPI 3.1, 4.8.8.2)."""
    for template in sorted(document["paths"], key=lambda template: template.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.partition("?")[0]):
            return document["paths"][template].get(method.lower())
    return None


def _resolved(document: Document, header: Any) -> Any:  # noqa: ANN401
    name = header.get("$ref", "").removeprefix("#/components/headers/")
    return document["components"]["headers"][name] if name else header
