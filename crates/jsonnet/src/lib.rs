//! A bounded Jsonnet engine: parse once, evaluate many times, within limits.
