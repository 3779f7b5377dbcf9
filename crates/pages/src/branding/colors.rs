//! The colours of a deployment, as a style sheet, and whether people can read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sessera_config::Problem;
use sessera_config::color::Color;
use sessera_config::sections::pages::{Colors, Palette};

use crate::assets::STYLE;

/// What begins the colours of dark pages in a style sheet.
const DARK: &str = "@media (prefers-color-scheme: dark)";

/// The least contrast of text with what lies behind it (WCAG 2.2, success criterion 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

const WHITE: Color = Color { parts: [255; 3] };
const BLACK: Color = Color { parts: [0; 3] };

/// Colours that are mixed of others when one of those is set: the name of each, the two, and how much of the second
/// one there is in a hundred parts.
const MIXED: [(&str, &str, &str, u32); 6] = [
    ("accent-strong", "accent", "text", 20),
    ("line", "sheet", "text", 14),
    ("edge", "sheet", "text", 50),
    ("info-ground", "sheet", "accent", 7),
    ("wrong-ground", "sheet", "wrong", 7),
    ("good-ground", "sheet", "good", 7),
];

/// Which colour text has on which other one.
const READ_ON: [(&str, &str); 12] = [
    ("text", "ground"),
    ("text", "sheet"),
    ("text", "info-ground"),
    ("text", "wrong-ground"),
    ("soft", "ground"),
    ("soft", "sheet"),
    ("accent", "sheet"),
    ("accent-strong", "sheet"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("wrong", "sheet"),
    ("good", "good-ground"),
];

/// The colours that are set, each with its key and its name in the style sheet.
fn set(palette: &Palette) -> Vec<(&'static str, &'static str, Color)> {
    let Palette { background, surface, text, muted, accent, on_accent } = palette;
    let all = [
        ("background", "ground", background),
        ("surface", "sheet", surface),
        ("text", "text", text),
        ("muted", "soft", muted),
        ("accent", "accent", accent),
        ("on_accent", "on-accent", on_accent),
    ];
    all.into_iter().filter_map(|(key, name, color)| Some((key, name, (*color)?))).collect()
}

/// The style sheet of the colours, if any are set. Colours that are hard to read are noted.
pub(super) fn sheet(colors: &Colors, notes: &mut Vec<Problem>) -> Option<String> {
    let mut css = String::new();
    for (name, palette) in [("light", &colors.light), ("dark", &colors.dark)] {
        let scheme = Scheme::new(name, palette);
        notes.extend(scheme.hard_to_read());
        if scheme.changed.is_empty() {
            continue;
        }
        let _ = write!(css, "@media (prefers-color-scheme: {name}) {{\n  :root {{\n");
        for (name, color) in &scheme.changed {
            let _ = writeln!(css, "    --{name}: {color};");
        }
        css += "  }\n}\n";
    }
    (!css.is_empty()).then_some(css)
}

/// The colours of light or of dark pages, by their names in the style sheet.
struct Scheme {
    name: &'static str,
    /// The keys of those that are set.
    keys: Vec<(&'static str, &'static str)>,
    /// All of them, as pages show them.
    all: BTreeMap<&'static str, Color>,
    /// Those that are not as in Sessera's own style sheet.
    changed: BTreeMap<&'static str, Color>,
}

impl Scheme {
    fn new(name: &'static str, palette: &Palette) -> Self {
        let mut all = of_style(name);
        let mut changed = BTreeMap::new();
        let set = set(palette);
        for (_, name, color) in &set {
            changed.insert(*name, *color);
        }
        if let (Some(accent), None) = (palette.accent, palette.on_accent) {
            let white_is_better = contrast(WHITE, accent) >= contrast(BLACK, accent);
            changed.insert("on-accent", if white_is_better { WHITE } else { BLACK });
        }
        all.extend(&changed);
        for (name, first, second, part) in MIXED {
            let is_of_changed = [first, second].into_iter().any(|part| changed.contains_key(part));
            if let (true, Some(first), Some(second)) = (is_of_changed, all.get(first), all.get(second)) {
                changed.insert(name, mixed(*first, *second, part));
            }
        }
        all.extend(&changed);
        Self { name, keys: set.into_iter().map(|(key, name, _)| (key, name)).collect(), all, changed }
    }

    /// Of each colour that is set, what it is hardest to read with, when that is hard.
    fn hard_to_read(&self) -> Vec<Problem> {
        let mut notes = Vec::new();
        let mut told: Vec<(&str, &str)> = Vec::new();
        for (key, name) in &self.keys {
            let pairs = READ_ON.into_iter().filter(|pair| self.is_of(name, pair) && !told.contains(pair));
            let pairs = pairs.filter_map(|(text, ground)| {
                let colors = (*self.all.get(text)?, *self.all.get(ground)?);
                Some(((text, ground), colors, contrast(colors.0, colors.1)))
            });
            let worst = pairs.min_by(|(.., one), (.., other)| one.total_cmp(other));
            let Some((pair, (text, ground), contrast)) = worst.filter(|(.., it)| *it < LEAST_CONTRAST) else {
                continue;
            };
            told.push(pair);
            let message = format!(
                "it is hard to read: text of {text} on {ground} has a contrast of {contrast:.1} to 1, and people need {LEAST_CONTRAST} to 1. Make one of the two lighter or darker"
            );
            notes.push(Problem::new(format!("/pages/colors/{}/{key}", self.name), message));
        }
        notes
    }

    /// Whether a colour has a part in a pair, itself or in what is mixed of it.
    fn is_of(&self, name: &str, pair: &(&str, &str)) -> bool {
        let is_part = |known: &str| {
            known == name
                || MIXED.iter().any(|(mixed, first, second, _)| {
                    *mixed == known && [*first, *second].contains(&name) && self.changed.contains_key(known)
                })
        };
        is_part(pair.0) || is_part(pair.1)
    }
}

/// The colours in Sessera's own style sheet.
fn of_style(scheme: &str) -> BTreeMap<&'static str, Color> {
    let css = std::str::from_utf8(&STYLE.content).unwrap_or_default();
    let (light, dark) = css.split_once(DARK).unwrap_or((css, ""));
    let part = if scheme == "dark" { dark } else { light };
    let root = part.split_once(":root {").and_then(|(_, behind)| behind.split_once('}'));
    let lines = root.map_or("", |(lines, _)| lines).lines();
    let color = |line: &'static str| {
        let (name, color) = line.trim().strip_prefix("--")?.split_once(": ")?;
        Some((name, Color::parse(color.strip_suffix(';')?)?))
    };
    lines.filter_map(color).collect()
}

/// A colour with so many parts of another one in a hundred.
fn mixed(first: Color, second: Color, part: u32) -> Color {
    let mix = |place: usize| {
        let of = |color: Color| u32::from(color.parts[place]);
        u8::try_from((of(first) * (100 - part) + of(second) * part + 50) / 100).unwrap_or(u8::MAX)
    };
    Color { parts: [mix(0), mix(1), mix(2)] }
}

/// The contrast of two colours, from 1 to 21 (WCAG 2.2).
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How light a colour is, from 0 to 1 (WCAG 2.2, relative luminance).
fn luminance(color: Color) -> f64 {
    let linear = color.parts.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sessera_config::Config;

    use super::*;

    fn of(colors: Value) -> (String, Vec<Problem>) {
        let config = Config::from_tree(&json!({ "pages": { "colors": colors } })).unwrap();
        let mut notes = Vec::new();
        (sheet(&config.pages.colors, &mut notes).unwrap_or_default(), notes)
    }

    #[test]
    fn contrast_is_as_the_standard_has_it() {
        let of = |one: &str, other: &str| contrast(Color::parse(one).unwrap(), Color::parse(other).unwrap());
        assert!((of("#000", "#fff") - 21.0).abs() < 1e-9 && (of("#abc", "#abc") - 1.0).abs() < 1e-9);
        assert!((of("#767676", "#fff") - 4.54).abs() < 0.005 && (of("#f00", "#fff") - 3.998).abs() < 0.005);
    }

    #[test]
    fn our_own_colours_are_easy_to_read() {
        for name in ["light", "dark"] {
            let scheme = Scheme::new(name, &Palette::default());
            assert!(scheme.changed.is_empty());
            for (text, ground) in READ_ON {
                let contrast = contrast(scheme.all[text], scheme.all[ground]);
                assert!(contrast >= LEAST_CONTRAST, "{name}: {text} on {ground}: {contrast}");
            }
            // What is mixed is near what the style sheet has.
            for (mix, first, second, part) in MIXED {
                let made = mixed(scheme.all[first], scheme.all[second], part);
                let differ = |place: usize| made.parts[place].abs_diff(scheme.all[mix].parts[place]);
                assert!((0..3).all(|place| differ(place) < 40), "{name}: {mix}: {made}");
            }
        }
    }

    #[test]
    fn what_is_not_set_is_as_it_is() {
        assert_eq!(of(json!({})), (String::new(), Vec::new()));
        let (css, notes) = of(json!({"light": {"accent": "#0a6b4f"}}));
        assert_eq!(notes, []);
        assert!(css.starts_with("@media (prefers-color-scheme: light) {\n  :root {\n"), "{css}");
        assert!(css.contains("    --accent: #0a6b4f;\n") && css.contains("--on-accent: #ffffff;"), "{css}");
        assert!(!css.contains("dark") && !css.contains("--sheet"), "{css}");
        let (css, _) = of(json!({"dark": {"accent": "#ffd500", "on_accent": "#111"}}));
        assert!(
            css.contains("(prefers-color-scheme: dark)") && css.contains("--on-accent: #111111;"),
            "{css}"
        );
    }

    #[test]
    fn black_or_white_is_chosen_for_the_button() {
        for (accent, on_accent) in [("#ffd500", "#000000"), ("#123456", "#ffffff")] {
            let (css, _) = of(json!({"light": {"accent": accent}}));
            assert!(css.contains(&format!("--on-accent: {on_accent};")), "{css}");
        }
    }

    #[test]
    fn what_is_hard_to_read_is_noted_once_with_its_key() {
        let notes = |colors: Value| of(colors).1;
        let [yellow] = &*notes(json!({"light": {"accent": "#ffd500"}})) else { panic!() };
        assert_eq!(yellow.pointer, "/pages/colors/light/accent");
        assert!(yellow.message.contains("#ffd500 on #ffffff has a contrast of 1.4 to 1"), "{yellow}");
        assert_eq!(notes(json!({"dark": {"accent": "#ffd500"}})), []);
        let both: Vec<String> = notes(json!({"dark": {"text": "#333", "surface": "#333"}}))
            .into_iter()
            .map(|note| note.pointer)
            .collect();
        assert_eq!(both, ["/pages/colors/dark/surface", "/pages/colors/dark/text"]);
        let [button] = &*notes(json!({"light": {"on_accent": "#888"}})) else { panic!() };
        assert_eq!(button.pointer, "/pages/colors/light/on_accent");
    }
}
