"""The two shapes of every model here: a frozen record, and a strict form for what people send."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen fact. Unknown fields are ignored, so that an older reader survives a newer row."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class Form(BaseModel):
    """What a person sends: strict types, and no field that the form does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
