//! The templates of the deployment.

mod strays;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use sessera_config::courier::MessagePart;
use sessera_config::{Config, Problem};

use super::data::fields;
use super::{CodeMail, Data, EMAIL, Mail, NotSent, SMS};
use crate::gotemplate::{Format, Template, TemplateError};
use crate::language::{Language, first_of};
use crate::schema::source;

/// How many files of a folder belong to one part of a message.
const MAX_FILES: usize = 64;

/// The kinds of messages, under the names of Kratos.
const KINDS: [&str; 10] = [
    "recovery/valid",
    "recovery/invalid",
    "recovery_code/valid",
    "recovery_code/invalid",
    "verification/valid",
    "verification/invalid",
    "verification_code/valid",
    "verification_code/invalid",
    "login_code/valid",
    "registration_code/valid",
];

/// The parts of messages, and how the names of their files begin.
const PARTS: [(MessagePart, &str); 4] = [
    (MessagePart::Subject, "email.subject"),
    (MessagePart::Html, "email.body"),
    (MessagePart::Plain, PLAIN),
    (MessagePart::Sms, "sms.body"),
];

/// How the names of files with the plain text of mails begin, which does not make them HTML.
const PLAIN: &str = "email.body.plaintext";

/// The key that names the folder.
const FOLDER: &str = "/courier/template_override_path";

/// How the names of files end.
const ENDING: &str = ".gotmpl";

/// The templates of one part of a kind of message.
#[derive(Clone, Debug, Default)]
struct InLanguages {
    /// Those of one language each, by tags in small letters.
    own: BTreeMap<String, Template>,
    /// That for all other languages.
    other: Option<Template>,
}

/// Templates of the deployment. Each is for a part of a kind of message, in one language or in all that have none of
/// their own.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    all: HashMap<(&'static str, MessagePart), InLanguages>,
    /// The tags of languages that the pages of the deployment have, in small letters.
    of_pages: BTreeSet<String>,
    /// The files that they were read from.
    files: Vec<PathBuf>,
    /// What lies in the folder and is read by nobody.
    notes: Vec<Problem>,
}

impl Templates {
    /// Reads what the configuration names. What is wrong is added to the problems.
    pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Self {
        let of_pages = config.pages.texts.keys().map(|tag| tag.to_ascii_lowercase()).collect();
        let mut templates = Self { of_pages, ..Self::default() };
        let config = &config.courier;
        if let Some(folder) = &config.template_folder {
            templates.read_folder(Path::new(folder), problems);
        }
        for named in &config.templates {
            // What is named counts in all languages.
            templates.all.remove(&(named.kind, named.part));
            templates.files.extend(named.url.strip_prefix("file://").map(PathBuf::from));
            let read = source::read(&named.url).map_err(|error| error.to_string());
            let parsed = read.and_then(|text| {
                parse(named.kind, named.part, &text, &[]).map_err(|error| error.to_string())
            });
            match parsed {
                Ok(template) => {
                    let only = InLanguages { other: Some(template), ..InLanguages::default() };
                    templates.all.insert((named.kind, named.part), only);
                }
                Err(problem) => problems.push(Problem::new(named.at.clone(), problem)),
            }
        }
        templates
    }

    fn read_folder(&mut self, folder: &Path, problems: &mut Vec<Problem>) {
        self.files.push(folder.to_owned());
        let mut wrong = |problem: String| {
            problems.push(Problem::new(FOLDER, problem));
        };
        if let Err(error) = std::fs::read_dir(folder) {
            return wrong(format!("the folder {} cannot be read: {error}", folder.display()));
        }
        self.notes = strays::below(folder).into_iter().map(|note| Problem::new(FOLDER, note)).collect();
        for kind in KINDS {
            let folder = folder.join(kind);
            self.files.push(folder.clone());
            let names = names_in(&folder);
            for (part, stem) in PARTS {
                if let Err(problem) = self.read_part(&folder, &names, kind, part, stem) {
                    wrong(problem);
                }
            }
        }
    }

    /// Reads the files of a part: those that are one text each, and those that they may call.
    fn read_part(
        &mut self,
        folder: &Path,
        names: &[String],
        kind: &'static str,
        part: MessagePart,
        stem: &str,
    ) -> Result<(), String> {
        let is_of_part = |name: &&String| {
            name.starts_with(stem) && (part == MessagePart::Plain || !name.starts_with(PLAIN))
        };
        let names: Vec<&String> = names.iter().filter(is_of_part).collect();
        if names.len() > MAX_FILES {
            return Err(format!("{} has more than {MAX_FILES} files {stem}*{ENDING}", folder.display()));
        }
        let mut texts = Vec::with_capacity(names.len());
        for name in names {
            let path = folder.join(name);
            let text = source::read(&format!("file://{}", path.display()));
            texts.push((name.clone(), text.map_err(|error| format!("{}: {error}", path.display()))?));
            self.files.push(path);
        }
        let mut parts = InLanguages::default();
        for (name, text) in &texts {
            let is_for_all = *name == format!("{stem}{ENDING}");
            let language = self.language_in(name, stem);
            if language.is_none() && !is_for_all {
                self.notes.extend(strays::uncalled(folder, name, stem, &texts));
                continue;
            }
            // It is among those that it may call, so that a file that calls itself is told so.
            let template = parse(kind, part, text, &texts)
                .map_err(|error| format!("{}: {error}", folder.join(name).display()))?;
            match language {
                Some(language) => drop(parts.own.insert(language, template)),
                None => parts.other = Some(template),
            }
        }
        if parts.other.is_some() || !parts.own.is_empty() {
            self.all.insert((kind, part), parts);
        }
        Ok(())
    }

    /// The language that the name of a file says it is in. `None` when it is for all, or a file that others call.
    fn language_in(&self, name: &str, stem: &str) -> Option<String> {
        let tag = name.strip_prefix(stem)?.strip_suffix(ENDING)?.strip_prefix('.')?.to_ascii_lowercase();
        // The names of languages that most people speak have two letters (ISO 639-1). Those of files that others call are
        // words.
        let language = tag.split('-').next()?;
        let is_short = language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_one = !tag.contains('.') && (is_short || self.of_pages.contains(&tag));
        is_one.then_some(tag)
    }

    /// The language in which a message of a kind is written: of those that its reader likes the first in which there is a
    /// text, be it Sessera's own.
    pub fn language_of<'a>(&'a self, content: &CodeMail, kind: &'static str) -> &'a str {
        let of_kind = || PARTS.iter().filter_map(|(part, _)| self.all.get(&(kind, *part)));
        let own = |tag: &str| of_kind().find_map(|parts| Some(parts.own.get_key_value(tag)?.0.as_str()));
        // A text for all languages may have several in it.
        let in_all = |tag: &str| {
            let tag = self.of_pages.get(tag)?;
            of_kind().any(|parts| parts.other.is_some()).then_some(tag.as_str())
        };
        let find = |tag: &str| {
            let ours = Language::tagged(tag).map(Language::tag);
            ours.or_else(|| own(tag)).or_else(|| in_all(tag))
        };
        first_of(&content.about.liked, find).unwrap_or_else(|| content.language.tag())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What their author should know.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// The files and folders that they were read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Puts texts of the deployment into a message of a kind that is in a language.
    pub fn write_into(
        &self,
        mail: &mut Mail,
        content: &CodeMail,
        (kind, language): (&'static str, &str),
        data: &Data,
    ) -> Result<(), NotSent> {
        let data = data.for_templates();
        let is_mail = content.via == EMAIL;
        for (part, _) in PARTS.into_iter().filter(|(part, _)| (*part != MessagePart::Sms) == is_mail) {
            let Some(parts) = self.all.get(&(kind, part)) else { continue };
            let Some(template) = parts.own.get(language).or(parts.other.as_ref()) else { continue };
            let text = template.render(&data).map_err(|error| not_filled_in(kind, part, &error))?;
            match part {
                // A subject is one line, whatever is filled in.
                MessagePart::Subject => mail.subject = one_line(&text),
                MessagePart::Plain | MessagePart::Sms => mail.text = text,
                MessagePart::Html => mail.html = text,
            }
        }
        Ok(())
    }
}

/// It may be mended while the code is good.
fn not_filled_in(kind: &str, part: MessagePart, error: &TemplateError) -> NotSent {
    let stem = PARTS.iter().find(|(known, _)| *known == part).map_or("", |(_, stem)| stem);
    NotSent::Later(format!("the template {kind}/{stem} cannot be filled in: {error}"))
}

fn parse(
    kind: &str,
    part: MessagePart,
    text: &str,
    others: &[(String, String)],
) -> Result<Template, TemplateError> {
    let format = if part == MessagePart::Html { Format::Html } else { Format::Text };
    let via = if part == MessagePart::Sms { SMS } else { EMAIL };
    Template::parse(text, others, format, &fields(kind, via))
}

/// The names of templates in a folder, in order. A folder that is not there has none.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ENDING)).collect();
    names.sort_unstable();
    names
}

/// A text without ends of lines and other signs that nobody sees.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
