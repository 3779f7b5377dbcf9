//! `log`: what is written to standard error.

use crate::section::{choice, section};

section! {
    /// The log.
    pub struct Log {
        /// The lowest level that is written: error (also fatal, panic), warn (also warning), info, debug or trace. At debug and trace, libraries write their warnings only.
        level: Level = "info",
        /// How a record is written: text, json (one object a line), `json_pretty` (one object over several lines) or gelf (one object a line for Graylog).
        format: Format = "text",
    }
}

choice! {
    /// A level of the log. The words of Kratos mean the nearest level here.
    pub enum Level {
        /// What an operator wants to know.
        Info = "info",
        /// Something failed.
        Error = "error" | "fatal" | "panic",
        /// Something should be looked at.
        Warn = "warn" | "warning",
        /// What a developer wants to know.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

choice! {
    /// How a record is written.
    pub enum Format {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
        /// One JSON object over several lines.
        JsonPretty = "json_pretty",
        /// One JSON object a line, in the Graylog Extended Log Format.
        Gelf = "gelf",
    }
}
