//! What reflection tells: the service, and of its messages the fields that are read and written here.
//!
//! The crate with Envoy's messages does not offer their descriptions. Fields that are left out are unknown to whoever asks
//! by reflection, and mean nothing here.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

const AUTH: &str = "envoy.service.auth.v3";
const CORE: &str = "envoy.config.core.v3";
const STRUCT: &str = "google.protobuf";

/// The description of the service.
pub(super) fn files() -> FileDescriptorSet {
    let struct_file = file("google/protobuf/struct.proto", STRUCT, &[], structs());
    let rpc =
        vec![message("Status", vec![scalar("code", 1, Type::Int32), scalar("message", 2, Type::String)])];
    let core = vec![
        message(
            "HeaderValue",
            vec![
                scalar("key", 1, Type::String),
                scalar("value", 2, Type::String),
                scalar("raw_value", 3, Type::Bytes),
            ],
        ),
        message("HeaderMap", vec![list(of("headers", 1, CORE, "HeaderValue"))]),
        message(
            "HeaderValueOption",
            vec![of("header", 1, CORE, "HeaderValue"), scalar("append_action", 3, Type::Int32)],
        ),
    ];
    let kind = vec![message("HttpStatus", vec![scalar("code", 1, Type::Int32)])];
    let mut service = file(
        "envoy/service/auth/v3/external_auth.proto",
        AUTH,
        &[
            "google/protobuf/struct.proto",
            "google/rpc/status.proto",
            "envoy/config/core/v3/base.proto",
            "envoy/type/v3/http_status.proto",
        ],
        [questions(), answers()].concat(),
    );
    service.service.push(ServiceDescriptorProto {
        name: Some("Authorization".into()),
        method: vec![MethodDescriptorProto {
            name: Some("Check".into()),
            input_type: Some(format!(".{AUTH}.CheckRequest")),
            output_type: Some(format!(".{AUTH}.CheckResponse")),
            ..MethodDescriptorProto::default()
        }],
        ..ServiceDescriptorProto::default()
    });
    FileDescriptorSet {
        file: vec![
            struct_file,
            file("google/rpc/status.proto", "google.rpc", &[], rpc),
            file("envoy/config/core/v3/base.proto", CORE, &[], core),
            file("envoy/type/v3/http_status.proto", "envoy.type.v3", &[], kind),
            service,
        ],
    }
}

fn questions() -> Vec<DescriptorProto> {
    let http = message(
        "HttpRequest",
        vec![
            scalar("id", 1, Type::String),
            scalar("method", 2, Type::String),
            map("headers", 3, &format!("{AUTH}.AttributeContext.HttpRequest"), "HeadersEntry"),
            scalar("path", 4, Type::String),
            scalar("host", 5, Type::String),
            scalar("scheme", 6, Type::String),
            of("header_map", 13, CORE, "HeaderMap"),
        ],
    );
    let http = DescriptorProto { nested_type: vec![entry("HeadersEntry", None)], ..http };
    let request = message("Request", vec![of("http", 2, AUTH, "AttributeContext.HttpRequest")]);
    let context = message(
        "AttributeContext",
        vec![
            of("request", 4, AUTH, "AttributeContext.Request"),
            map("context_extensions", 10, &format!("{AUTH}.AttributeContext"), "ContextExtensionsEntry"),
        ],
    );
    let nested_type = vec![request, http, entry("ContextExtensionsEntry", None)];
    vec![
        DescriptorProto { nested_type, ..context },
        message("CheckRequest", vec![of("attributes", 1, AUTH, "AttributeContext")]),
    ]
}

fn answers() -> Vec<DescriptorProto> {
    vec![
        message(
            "DeniedHttpResponse",
            vec![
                of("status", 1, "envoy.type.v3", "HttpStatus"),
                list(of("headers", 2, CORE, "HeaderValueOption")),
                scalar("body", 3, Type::String),
            ],
        ),
        message(
            "OkHttpResponse",
            vec![
                list(of("headers", 2, CORE, "HeaderValueOption")),
                list(scalar("headers_to_remove", 5, Type::String)),
                list(of("response_headers_to_add", 6, CORE, "HeaderValueOption")),
            ],
        ),
        message(
            "CheckResponse",
            vec![
                of("status", 1, "google.rpc", "Status"),
                of("denied_response", 2, AUTH, "DeniedHttpResponse"),
                of("ok_response", 3, AUTH, "OkHttpResponse"),
                of("dynamic_metadata", 4, STRUCT, "Struct"),
            ],
        ),
    ]
}

/// What claims are written as.
fn structs() -> Vec<DescriptorProto> {
    let fields = message("Struct", vec![map("fields", 1, &format!("{STRUCT}.Struct"), "FieldsEntry")]);
    let value = vec![
        scalar("null_value", 1, Type::Int32),
        scalar("number_value", 2, Type::Double),
        scalar("string_value", 3, Type::String),
        scalar("bool_value", 4, Type::Bool),
        of("struct_value", 5, STRUCT, "Struct"),
        of("list_value", 6, STRUCT, "ListValue"),
    ];
    vec![
        DescriptorProto { nested_type: vec![entry("FieldsEntry", Some("Value"))], ..fields },
        one_of("kind", message("Value", value)),
        message("ListValue", vec![list(of("values", 1, STRUCT, "Value"))]),
    ]
}

fn file(
    name: &str,
    package: &str,
    needs: &[&str],
    message_type: Vec<DescriptorProto>,
) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(name.into()),
        package: Some(package.into()),
        dependency: needs.iter().map(|name| (*name).to_owned()).collect(),
        message_type,
        syntax: Some("proto3".into()),
        ..FileDescriptorProto::default()
    }
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.into()), field, ..DescriptorProto::default() }
}

/// A message of whose fields one is there.
fn one_of(name: &str, message: DescriptorProto) -> DescriptorProto {
    let choice = OneofDescriptorProto { name: Some(name.into()), ..OneofDescriptorProto::default() };
    let field = message.field.into_iter();
    let field = field.map(|field| FieldDescriptorProto { oneof_index: Some(0), ..field }).collect();
    DescriptorProto { field, oneof_decl: vec![choice], ..message }
}

fn scalar(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

/// A field with a message.
fn of(name: &str, number: i32, package: &str, of: &str) -> FieldDescriptorProto {
    let type_name = Some(format!(".{package}.{of}"));
    FieldDescriptorProto { type_name, ..scalar(name, number, Type::Message) }
}

fn list(field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { label: Some(Label::Repeated.into()), ..field }
}

/// A field with a map, whose entries are messages that stand in the field's own message.
fn map(name: &str, number: i32, owner: &str, entries: &str) -> FieldDescriptorProto {
    list(of(name, number, owner, entries))
}

/// The entries of a map from texts to texts, or to messages of the same package.
fn entry(name: &str, value: Option<&str>) -> DescriptorProto {
    let value = match value {
        None => scalar("value", 2, Type::String),
        Some(message) => of("value", 2, STRUCT, message),
    };
    let options = MessageOptions { map_entry: Some(true), ..MessageOptions::default() };
    DescriptorProto { options: Some(options), ..message(name, vec![scalar("key", 1, Type::String), value]) }
}
