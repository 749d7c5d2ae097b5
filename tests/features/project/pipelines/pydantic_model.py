"""Rows become models of pydantic, which say what does not fit."""

from typing import Any

from hamilton.plugins import h_pydantic
from pydantic import BaseModel, Field


class Person(BaseModel):
    """A person as the book keeps one."""

    name: str
    age: int = Field(ge=0)


class Book(BaseModel):
    """All persons."""

    persons: list[Person]


@h_pydantic.check_output(importance="fail")
def book(rows: list[dict[str, Any]]) -> Book:
    """The rows as a book."""
    return Book.model_validate({"persons": rows})


def oldest(book: Book) -> str:
    """The oldest person's name."""
    return max(book.persons, key=lambda person: person.age).name


def as_data(book: Book) -> dict[str, Any]:
    """The book as plain data."""
    return book.model_dump()
