"""The model forms of the documentation, as they stand there; its models are the reader's own."""

import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, String, Text, create_engine
from sqlalchemy.orm import Session

from lback.core.datastructures import MultiDict
from lback.core.uploads import UploadedFile

PRODUCT_FORM = """
from lback.forms.models import ModelForm
from lback.forms.fields import CharField # For adding non-model fields or overriding
from lback.forms.widgets import Textarea, TextInput # For customizing widgets
from lback.forms.validation import ValidationError # For custom validation
from lback.models.product import Product # Import your Product model

class ProductForm(ModelForm):
    class Meta:
        # Specify the database model this form will interact with
        model = Product

        # 'fields': A list of column names from the model to include in the form.
        # Fields for these columns will be automatically generated.
        fields = ['name', 'description', 'price', 'is_available', 'stock_quantity']

        # 'widgets': A dictionary allowing you to specify a custom widget for a
        # particular field instead of its default widget.
        widgets = {
            'description': Textarea(attrs={'rows': 4, 'class': 'form-control-textarea'}),
            'name': TextInput(attrs={'placeholder': 'Enter product name'}),
        }

    # As with the base Form, you can add custom form-level validation logic here.
    def clean(self):
        super().clean()

        price = self.cleaned_data.get('price')
        is_available = self.cleaned_data.get('is_available')

        if price is not None and price < 0 and is_available:
            self.add_error('price', ValidationError(
                "Product cannot be available with a negative price.", code='invalid_price_availability'))

        return self.cleaned_data
"""

DOCUMENT_FORM = """
from lback.forms.models import ModelForm
from lback.forms.fields import FileField # Make sure to import FileField
from lback.forms.validation import ValidationError
from lback.models.document import Document

class DocumentForm(ModelForm):
    class Meta:
        model = Document
        fields = ['title', 'content'] # 'content' is your FileField

    def clean_content(self):
        uploaded_file = self.cleaned_data.get('content')
        if uploaded_file:
            # You can access properties of the uploaded file
            if uploaded_file.size > 5 * 1024 * 1024: # 5MB limit
                raise ValidationError("File size exceeds 5MB.", code='file_too_large')

            # You can modify cleaned_data to add other file properties to your model
            self.cleaned_data['original_filename'] = uploaded_file.name
            self.cleaned_data['size_bytes'] = uploaded_file.size
        return uploaded_file
"""

with warnings.catch_warnings():
    # The documentation uses the name that SQLAlchemy moved.
    warnings.simplefilter("ignore")
    from sqlalchemy.ext.declarative import declarative_base

    Base: Any = declarative_base()


class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    name = Column(String(255), nullable=False)
    description = Column(Text, nullable=True)
    price = Column(Float, nullable=False)
    is_available = Column(Boolean, default=True)
    stock_quantity = Column(Integer, default=0)

    def __repr__(self) -> str:
        return f"<Product(id={self.id}, name='{self.name}')>"


class Document(Base):
    __tablename__ = "documents"
    id = Column(Integer, primary_key=True)
    title = Column(String(255), nullable=False)
    content = Column(LargeBinary, nullable=False)  # This column stores the binary file data
    original_filename = Column(String(255))  # To store the original file name
    size_bytes = Column(Integer)  # To store the file size


@pytest.fixture(autouse=True)
def models_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, model in (("product", Product), ("document", Document)):
        module = types.ModuleType(f"lback.models.{name}")
        setattr(module, model.__name__, model)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "lback.models", types.ModuleType("lback.models"))


@pytest.fixture
def db_session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def defined(source: str, name: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "myapp.forms"}
    exec(source, namespace)
    return namespace[name]


def test_an_empty_product_form_shows_every_field_and_the_defaults() -> None:
    html = defined(PRODUCT_FORM, "ProductForm")().as_p
    for name in ("name", "description", "price", "is_available", "stock_quantity"):
        assert f'name="{name}"' in html
    assert 'placeholder="Enter product name"' in html
    assert 'rows="4" class="form-control-textarea"' in html
    assert 'value="0"' in html


def test_initial_values_are_shown() -> None:
    form = defined(PRODUCT_FORM, "ProductForm")(initial={"name": "Sample Product", "price": 10.99})
    assert 'value="Sample Product"' in form.as_p
    assert 'value="10.99"' in form.as_p


def test_a_product_is_made_and_changed(db_session: Session) -> None:
    product_form = defined(PRODUCT_FORM, "ProductForm")
    sent = MultiDict([("name", "Tea"), ("price", "3.5"), ("is_available", "on"), ("stock_quantity", "7")])
    form = product_form(data=sent, files=MultiDict())
    assert form.is_valid()
    product = form.save(db_session=db_session, commit=True)
    assert (product.id, product.price, product.stock_quantity, product.description) == (1, 3.5, 7, None)

    existing = db_session.get(Product, 1)
    assert 'value="Tea"' in product_form(instance=existing).as_p
    form = product_form(data=MultiDict([("name", "Green tea"), ("price", "4")]), files=MultiDict(), instance=existing)
    assert form.is_valid()
    assert form.save(db_session=db_session, commit=False) is existing
    db_session.commit()
    assert db_session.query(Product).one().name == "Green tea"


def test_a_negative_price_of_an_available_product_is_refused() -> None:
    form = defined(PRODUCT_FORM, "ProductForm")(data={"name": "Tea", "price": "-1", "is_available": "on"})
    assert not form.is_valid()
    assert [error.code for error in form.errors["price"]] == ["invalid_price_availability"]


def test_a_document_is_stored_with_the_name_and_size_of_its_file(
    db_session: Session, upload: Callable[..., UploadedFile]
) -> None:
    document_form = defined(DOCUMENT_FORM, "DocumentForm")
    form = document_form(data={"title": "Report"}, files={"content": upload("report.pdf", b"%PDF")})
    assert form.is_valid()
    document = form.save(db_session=db_session)
    assert (document.content, document.original_filename, document.size_bytes) == (b"%PDF", "report.pdf", 4)

    form = document_form(data={"title": "Report 2"}, instance=document)
    assert form.is_valid()
    form.save(db_session=db_session)
    assert (document.title, document.content, document.original_filename) == ("Report 2", b"%PDF", "report.pdf")


def test_a_document_without_a_file_or_with_a_large_one_is_refused(upload: Callable[..., UploadedFile]) -> None:
    document_form = defined(DOCUMENT_FORM, "DocumentForm")
    assert list(document_form(data={"title": "Report"}).errors) == ["content"]
    large = upload("large.bin", b"0" * (5 * 1024 * 1024 + 1))
    form = document_form(data={"title": "Report"}, files={"content": large})
    assert [error.code for error in form.errors["content"]] == ["file_too_large"]
