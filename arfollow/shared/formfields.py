"""Form fields of every page: amounts as people write them, days, and choices with dates."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from arfollow.shared.money import AmountError, CurrencyError, check_currency, parse_amount


class AmountField(forms.CharField):
    """An amount as a person types it (`1,234.50` or `1.234,50`), positive, two decimals."""

    def __init__(self, **kwargs: Any) -> None:
        # The length is the widget's: a validator of length would be given the Decimal.
        limits = {"inputmode": "decimal", "autocomplete": "off", "maxlength": "30"}
        widget = forms.TextInput(attrs=limits)
        super().__init__(widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:.2f}" if isinstance(value, Decimal) else value

    def to_python(self, value: object) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            amount = parse_amount(text)
        except AmountError as error:
            raise ValidationError(f"{error}.") from error
        if amount <= 0 or amount != round(amount, 2):
            raise ValidationError("Enter an amount above nothing, with at most two decimals.")
        return amount


class CurrencyField(forms.CharField):
    """A currency code of three letters."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"class": "short", "autocapitalize": "characters"})
        super().__init__(widget=widget, max_length=3, **kwargs)

    def to_python(self, value: object) -> str:
        code = str(value or "").strip()
        if not code:
            return ""
        try:
            return check_currency(code)
        except CurrencyError as error:
            raise ValidationError(f"{error}.") from error


class DayField(forms.DateField):
    """A day, chosen in the browser's own calendar."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, **kwargs)


class MomentField(forms.DateTimeField):
    """A day and hour in the current time zone."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M"], **kwargs)
