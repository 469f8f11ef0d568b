//! The compiled descriptors against the table of the v1 schema, row by row.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::collections::BTreeSet;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

const TABLE: &str = include_str!("data/mesos-v1-schema.tsv");

#[test]
fn the_descriptors_hold_every_row_of_the_table_and_nothing_else() {
    let mut lines = TABLE.lines();
    assert_eq!(
        lines.next().unwrap(),
        "file\tpackage\tfull_name\tname\tnumber\tlabel\ttype\tdefault\toneof\tdeprecated\tkind\tmap"
    );
    let expected: BTreeSet<&str> = lines.collect();
    assert_eq!(expected.len(), 1670);
    let rows = compiled_rows();
    let rows: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let missing: Vec<&&str> = expected.difference(&rows).collect();
    let surplus: Vec<&&str> = rows.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}

fn compiled_rows() -> Vec<String> {
    let pool = DescriptorPool::decode(mesos_proto::DESCRIPTORS).unwrap();
    let mut rows = Vec::new();
    for file in pool.files().filter(|file| file.name().starts_with("mesos/")) {
        file.messages().for_each(|message| message_rows(&message, &mut rows));
        file.enums().for_each(|of| enum_rows(&of, &mut rows));
    }
    rows
}

fn message_rows(message: &MessageDescriptor, rows: &mut Vec<String>) {
    let kind = if message.is_map_entry() { "map_entry" } else { "message" };
    for field in message.fields() {
        rows.push(field_row(message, &field, kind));
    }
    message.child_messages().for_each(|child| message_rows(&child, rows));
    message.child_enums().for_each(|child| enum_rows(&child, rows));
}

fn field_row(message: &MessageDescriptor, field: &FieldDescriptor, kind: &str) -> String {
    let label = match field.cardinality() {
        Cardinality::Optional => "optional",
        Cardinality::Required => "required",
        Cardinality::Repeated => "repeated",
    };
    let options = field.field_descriptor_proto().options.clone().unwrap_or_default();
    let default =
        field.field_descriptor_proto().default_value.as_ref().map_or_else(String::new, |_| default(field));
    [
        message.parent_file().name(),
        message.package_name(),
        message.full_name(),
        field.name(),
        &field.number().to_string(),
        label,
        &type_name(&field.kind()),
        &default,
        field.containing_oneof().as_ref().map_or("", |oneof| oneof.name()),
        if options.deprecated() { "true" } else { "false" },
        kind,
        &if field.is_map() { map_type(field) } else { String::new() },
    ]
    .join("\t")
}

fn enum_rows(of: &EnumDescriptor, rows: &mut Vec<String>) {
    for value in of.values() {
        let options = value.enum_value_descriptor_proto().options.clone().unwrap_or_default();
        rows.push(
            [
                of.parent_file().name(),
                of.package_name(),
                of.full_name(),
                value.name(),
                &value.number().to_string(),
                "enum_value",
                "enum",
                "",
                "",
                if options.deprecated() { "true" } else { "false" },
                "enum",
                "",
            ]
            .join("\t"),
        );
    }
}

fn default(field: &FieldDescriptor) -> String {
    match (field.default_value(), field.kind()) {
        (Value::EnumNumber(number), Kind::Enum(of)) => of.get_value(number).unwrap().name().to_owned(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::String(value), _) => value,
        (Value::F64(value), _) => value.to_string(),
        (Value::U32(value), _) => value.to_string(),
        (Value::U64(value), _) => value.to_string(),
        (Value::I32(value), _) => value.to_string(),
        (Value::I64(value), _) => value.to_string(),
        (other, _) => panic!("{} has the default {other}", field.full_name()),
    }
}

fn map_type(field: &FieldDescriptor) -> String {
    let Kind::Message(entry) = field.kind() else { panic!("{} is no map", field.full_name()) };
    let name = |kind: Kind| type_name(&kind).rsplit(':').next().unwrap().to_owned();
    format!(
        "map<{},{}>",
        name(entry.map_entry_key_field().kind()),
        name(entry.map_entry_value_field().kind())
    )
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => format!("message:{}", message.full_name()),
        Kind::Enum(of) => format!("enum:{}", of.full_name()),
        scalar => format!("{scalar:?}"),
    }
}
