//! Random literals, which are strings, numbers, formats and texts in other formats.

use crate::random::Random;

const STRINGS: &[&str] = &[
    "",
    "a",
    "b",
    "abc",
    "aa",
    "Abc",
    "héllo",
    "😀b",
    "a,b,,c",
    ",",
    " x ",
    "12",
    "-3",
    "0x1F",
    "7f",
    "true",
    "null",
    "line\nline2\n",
    "one\n",
    "\n",
    "tab\tx",
    "\"q\"",
    "it's",
    "\\",
    "%",
    "\u{7}",
    "\u{a0}",
    "foo: bar",
    "a.b",
    "key with space",
    "~",
    "1e3",
    "YWJj",
    "YQ==",
    "<a&b>",
    "$x",
    "x_y-z",
    "no",
    "0755",
    "2001-12-14",
    "\u{85}",
    "é",
    "ß",
    "Ω",
    "zz",
    "ab\u{301}",
    "1.5",
    "-",
    "a/b/c",
    "../x",
    "# c",
    "\r\n",
    "\u{2028}",
    "\u{fffd}",
    "\u{feff}",
    "\u{10ffff}",
    "e\u{301}\u{327}",
    "[]",
    "{}",
    "true\n",
    "a: b\n",
    "- x",
    "1_000",
    "=",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "0.5",
    "1.5",
    "-2.25",
    "10",
    "100",
    "1e10",
    "1e21",
    "1e-7",
    "123456789012",
    "0.1",
    "(1/3)",
    "255",
    "3.7",
    "-0",
    "1e308",
    "5e-324",
    "2147483648",
    "9007199254740993",
    "4294967296",
    "65",
    "128512",
    "-7",
    "1.0E+2",
    "12345.6789",
    "2.5",
    "0.05",
    "1e15",
    "1e16",
    "1e17",
    "123456.5",
    "1e100",
    "1.7976931348623157e308",
    "2.2250738585072014e-308",
    "4.9e-324",
    "1e22",
    "1e23",
    "-1e-300",
    "0.000001",
    "0.0000001",
    "999999999999999.9",
    "4503599627370496.5",
    "-2147483648",
    "0.30000000000000004",
];

/// A string with any content, as written in a program.
pub(crate) fn string(random: &mut Random) -> String {
    let mut text = random.pick(STRINGS).to_owned();
    if random.chance(15) {
        text.push_str(random.pick(STRINGS));
    }
    quoted(random, &text)
}

/// A text as a literal of any style.
pub(crate) fn quoted(random: &mut Random, text: &str) -> String {
    match random.below(10) {
        0 => format!("@'{}'", text.replace('\'', "''")),
        1 => format!("@\"{}\"", text.replace('"', "\"\"")),
        2 | 3 => format!("'{}'", escaped(text, '\'')),
        4 if !text.is_empty() && text.ends_with('\n') && !text.starts_with([' ', '\t', '\n', '\r']) => {
            format!(
                "|||\n{}|||",
                text.split_inclusive('\n').map(|line| format!("  {line}")).collect::<String>()
            )
        }
        5 => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("\"{}\"", units.collect::<String>())
        }
        _ => format!("\"{}\"", escaped(text, '"')),
    }
}

fn escaped(text: &str, quote: char) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if character == quote => out.extend(['\\', quote]),
            _ => out.push(character),
        }
    }
    out
}

pub(crate) fn number(random: &mut Random) -> String {
    match random.below(10) {
        0 => format!("{}.{}", random.below(1000), random.below(100_000)),
        1 => format!("{}e{}", random.below(1000), random.below(40)),
        2 => format!("{}.{}e-{}", random.below(10), random.below(1_000_000), random.below(20)),
        3 | 4 => random.below(12).to_string(),
        _ => random.pick(NUMBERS).to_owned(),
    }
}

/// A small whole number, or seldom a fraction, for lengths and positions.
pub(crate) fn index(random: &mut Random) -> String {
    random.pick(&["0", "1", "2", "3", "4", "5", "7", "-1", "-2", "1.5", "0", "1", "2", "3"]).to_owned()
}

/// A format with conversions for an object of values or for a list.
pub(crate) fn format(random: &mut Random) -> String {
    let mut text = String::new();
    let named = random.chance(30);
    for _ in 0..=random.below(3) {
        text.push_str(random.pick(&["", "x", "é ", "%%", "-"]));
        text.push('%');
        if named {
            text.push_str(random.pick(&["(a)", "(b)", "(c)"]));
        }
        for _ in 0..random.below(3) {
            text.push_str(random.pick(&["#", "0", "-", " ", "+"]));
        }
        text.push_str(random.pick(&["", "", "", "5", "12", "1", "*"]));
        text.push_str(random.pick(&["", "", "", ".", ".0", ".1", ".3", ".10", ".*"]));
        text.push_str(random.pick(&["", "", "", "", "h", "l", "L"]));
        text.push_str(random.pick(&[
            "d", "i", "u", "o", "x", "X", "e", "E", "f", "F", "g", "G", "c", "r", "s", "d", "s", "%", "q", "",
        ]));
    }
    quoted(random, &text)
}

/// A text in JSON, seldom with a mistake.
pub(crate) fn json(random: &mut Random, depth: usize) -> String {
    let mut text = json_value(random, depth);
    if random.chance(10) {
        damage(random, &mut text);
    }
    text
}

fn json_value(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.chance(40) {
        return match random.below(6) {
            0 => random.pick(&["null", "true", "false"]).to_owned(),
            1 | 2 => random
                .pick(&["0", "-1", "1.5", "1e5", "-0", "12345678901234567890", "0.1", "1E-3", "1e2"])
                .to_owned(),
            _ => {
                let pool =
                    ["\"a\"", "\"\"", "\"\\n\"", "\"\\u00e9\"", "\"é\"", "\"\\ud83d\\ude00\"", "\"/\\/\""];
                random.pick(&pool).to_owned()
            }
        };
    }
    let count = random.below(4);
    let items: Vec<String> = if random.chance(50) {
        (0..count).map(|_| json_value(random, depth - 1)).collect()
    } else {
        let fields = (0..count).map(|_| {
            let name = random.pick(&["a", "b", "c", "é", "A"]);
            format!("\"{name}\": {}", json_value(random, depth - 1))
        });
        return format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
    };
    format!("[{}]", items.join(","))
}

/// Takes a character out of a text, doubles one or puts one in.
pub(crate) fn damage(random: &mut Random, text: &mut String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[random.below(places.len())];
    match random.below(3) {
        0 => {
            text.remove(at);
        }
        1 => {
            let character = text[at..].chars().next().unwrap_or(' ');
            text.insert(at, character);
        }
        _ => text.insert_str(
            at,
            random.pick(&[
                ",", ":", "}", "]", "{", "[", "\"", "'", " ", "1", "-", "+", "(", ")", ";", "a", "\\",
            ]),
        ),
    }
}

const YAML_SCALARS: &[&str] = &[
    "1",
    "-1",
    "0",
    "1.5",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "null",
    "~",
    "Null",
    "abc",
    "a b",
    "'q'",
    "\"d\\n\"",
    "0x1F",
    "0o17",
    "017",
    "0b11",
    "1_000",
    "1e3",
    "+1",
    "-0",
    "'it''s'",
    "2001-12-14",
    "héllo",
    "a#b",
    "a: b",
    "!!str 1",
    "TRUE",
    "True",
    "NULL",
    "1.",
    ".5",
    "12:30",
    "a, b",
    "\"\"",
    "''",
    "x # c",
    "\"\\u00e9\"",
    "-1.5e-3",
    "0.1",
    "!!int \"3\"",
    "1e400",
    "-",
    "9007199254740993",
    "123456789012345678901",
];

/// A text in YAML, in block and flow style, seldom with a mistake.
pub(crate) fn yaml(random: &mut Random, depth: usize) -> String {
    let mut text = String::new();
    let documents = if random.chance(15) { 1 + random.below(3) } else { 1 };
    for number in 0..documents {
        if number > 0 || random.chance(10) {
            text.push_str("---\n");
        }
        yaml_block(random, depth, 0, &mut text);
    }
    if random.chance(5) {
        text.push_str("...\n");
    }
    if random.chance(8) {
        damage(random, &mut text);
    }
    text
}

fn yaml_block(random: &mut Random, depth: usize, indent: usize, out: &mut String) {
    let blanks = " ".repeat(indent);
    match if depth == 0 { 0 } else { random.below(8) } {
        0 => out.push_str(&format!("{blanks}{}\n", random.pick(YAML_SCALARS))),
        1 => out.push_str(&format!("{blanks}{}\n", yaml_flow(random, depth - 1))),
        2 => {
            let style = random.pick(&["|", ">", "|-", ">-", "|+", ">+"]);
            out.push_str(&format!("{blanks}{style}\n{blanks}  one\n{blanks}  two\n\n{blanks}  three\n"));
        }
        3 | 4 => {
            for _ in 0..=random.below(3) {
                out.push_str(&format!("{blanks}-"));
                yaml_member(random, depth, indent, out);
            }
        }
        _ => {
            let mut names = vec!["a", "b", "c", "1", "true", "'x y'", "d e", "é", "null", "1.5"];
            for _ in 0..=random.below(3) {
                let name = names.remove(random.below(names.len()));
                out.push_str(&format!("{blanks}{name}:"));
                yaml_member(random, depth, indent, out);
            }
        }
    }
}

fn yaml_member(random: &mut Random, depth: usize, indent: usize, out: &mut String) {
    if random.chance(8) {
        out.push('\n');
    } else if random.chance(50) {
        out.push_str(&format!(" {}\n", random.pick(YAML_SCALARS)));
    } else {
        out.push('\n');
        yaml_block(random, depth - 1, indent + 2, out);
    }
}

fn yaml_flow(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.chance(40) {
        return random.pick(&["1", "a", "'b'", "\"c\"", "true", "null", "1.5", "a b"]).to_owned();
    }
    let count = random.below(3);
    if random.chance(50) {
        let items: Vec<String> = (0..count).map(|_| yaml_flow(random, depth - 1)).collect();
        format!("[{}]", items.join(", "))
    } else {
        let mut names = vec!["a", "b", "c", "'d'"];
        let mut fields = Vec::new();
        for _ in 0..count {
            let name = names.remove(random.below(names.len()));
            fields.push(format!("{name}: {}", yaml_flow(random, depth - 1)));
        }
        format!("{{{}}}", fields.join(", "))
    }
}
