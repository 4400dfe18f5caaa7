"""Protocol buffers without TensorFlow: the `tf.train.Example` of record files, and the events that TensorBoard reads.

The messages are declared as in TensorFlow's example.proto, feature.proto, event.proto and summary.proto; fields that
are not needed here are left out, and a reader skips them.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
# By message: name, number and type of each field; a type that is a word is another message, * means repeated.
_MESSAGES: dict[str, tuple[tuple[str, int, Any], ...]] = {
    "BytesList": (("value", 1, (_Field.TYPE_BYTES, "*")),),
    "FloatList": (("value", 1, (_Field.TYPE_FLOAT, "*")),),
    "Int64List": (("value", 1, (_Field.TYPE_INT64, "*")),),
    "Feature": (("bytes_list", 1, "BytesList"), ("float_list", 2, "FloatList"), ("int64_list", 3, "Int64List")),
    "Features": (("feature", 1, ("Features.FeatureEntry", "*")),),
    "Features.FeatureEntry": (("key", 1, _Field.TYPE_STRING), ("value", 2, "Feature")),
    "Example": (("features", 1, "Features"),),
    "Summary": (("value", 1, ("Summary.Value", "*")),),
    "Summary.Value": (("tag", 1, _Field.TYPE_STRING), ("simple_value", 2, _Field.TYPE_FLOAT)),
    "Event": (
        ("wall_time", 1, _Field.TYPE_DOUBLE),
        ("step", 2, _Field.TYPE_INT64),
        ("file_version", 3, _Field.TYPE_STRING),
        ("summary", 5, "Summary"),
        ("session_log", 7, "SessionLog"),
    ),
    "SessionLog": (("status", 1, _Field.TYPE_INT32),),
}


def _declared() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="dsta_jax.proto", package="dsta_jax", syntax="proto3")
    for name, fields in _MESSAGES.items():
        outer, _, inner = name.rpartition(".")
        parent = next((message for message in file.message_type if message.name == outer), file)
        message = parent.nested_type.add(name=inner) if outer else file.message_type.add(name=name)
        message.options.map_entry = name.endswith("Entry")
        for field_name, number, kind in fields:
            kind, repeated = kind if isinstance(kind, tuple) else (kind, "")
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".dsta_jax.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"dsta_jax.{name}")) for name in _MESSAGES}


_CLASSES = _declared()
Example: Any = _CLASSES["Example"]
Event: Any = _CLASSES["Event"]
