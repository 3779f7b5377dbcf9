//! Reads the source files of one target (a library, a program, an example) into its modules, with the paths
//! that each of them names. Only tokens are read, so a path inside a macro's arguments is seen too, and none
//! in a comment or a text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A module, written in a file of its own or inline.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Its own name; `crate` for the root.
    pub(super) name: String,
    /// The module that it stands in; the root has none.
    pub(super) parent: Option<usize>,
    /// The file in which it is written.
    pub(super) file: PathBuf,
    /// The modules that stand in it, by their names.
    pub(super) children: BTreeMap<String, usize>,
    /// The names of the items that it defines itself.
    pub(super) items: BTreeSet<String>,
    /// What it imports: the name that it uses (`*` for all names), and the path behind that name.
    pub(super) imports: Vec<(String, Vec<String>)>,
    /// Every path of two segments or more that it names, with the line, imports among them.
    pub(super) paths: Vec<(Vec<String>, usize)>,
}

/// The modules of a target whose first file is `root`. The first module is the root.
///
/// Test code is left out: whatever stands under `#[cfg(test)]`, and the modules `tests`, `testing` and
/// `*_tests`.
pub(super) fn read(root: &Path) -> Result<Vec<Module>> {
    let mut reader = Reader { modules: Vec::new(), next_file: None };
    let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
    let module = Module { name: "crate".to_owned(), file: root.to_path_buf(), ..Module::default() };
    reader.modules.push(module);
    reader.file(0, &folder)?;
    Ok(reader.modules)
}

struct Reader {
    modules: Vec<Module>,
    /// The file of the module that follows, where an attribute `path` names it.
    next_file: Option<PathBuf>,
}

/// Where a run of tokens stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    module: usize,
    /// The folder in which the module's children have their files.
    folder: &'a Path,
    /// Whether the tokens are items of the module, rather than the insides of one.
    items: bool,
}

impl Reader {
    fn file(&mut self, module: usize, folder: &Path) -> Result<()> {
        let file = self.modules[module].file.clone();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let tokens: TokenStream =
            text.parse().map_err(|error| anyhow!("cannot read {}: {error}", file.display()))?;
        self.scan(tokens, Place { module, folder, items: true })
    }

    fn scan(&mut self, tokens: TokenStream, place: Place<'_>) -> Result<()> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let [first, after @ ..] = rest {
            rest = match first {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(after, place)?,
                TokenTree::Ident(keyword) if keyword == "use" && !is_punct(after.first(), '<') => {
                    self.import(after, place)
                }
                TokenTree::Ident(keyword) if keyword == "mod" => self.child(after, place)?,
                TokenTree::Ident(keyword) if place.items && defines(&keyword.to_string()) => {
                    let name = if is_punct(after.first(), '!') { after.get(1) } else { after.first() };
                    if let Some(TokenTree::Ident(name)) = name {
                        self.modules[place.module].items.insert(plain(&name.to_string()));
                    }
                    after
                }
                TokenTree::Ident(_) => self.path(rest, place),
                TokenTree::Group(group) => {
                    self.scan(group.stream(), Place { items: false, ..place })?;
                    after
                }
                // The rest of a path that began with `::`, or with something that is no name.
                TokenTree::Punct(_) if is_path_separator(rest) => path_at(&rest[2..]).1,
                _ => after,
            };
        }
        Ok(())
    }

    /// After the `#` of an attribute: the tokens behind it, and behind the item when that is test code.
    fn attribute<'t>(&mut self, tokens: &'t [TokenTree], place: Place<'_>) -> Result<&'t [TokenTree]> {
        let inner = is_punct(tokens.first(), '!');
        let tokens = &tokens[usize::from(inner)..];
        let [TokenTree::Group(group), after @ ..] = tokens else { return Ok(tokens) };
        if is_test_only(group.stream()) {
            self.next_file = None;
            return Ok(if inner { &[] } else { behind_item(after) });
        }
        let inside: Vec<TokenTree> = group.stream().into_iter().collect();
        if let [TokenTree::Ident(path), TokenTree::Punct(_), TokenTree::Literal(file)] = inside.as_slice()
            && path == "path"
        {
            let beside = self.modules[place.module].file.with_file_name(file.to_string().trim_matches('"'));
            self.next_file = Some(beside);
            return Ok(after);
        }
        self.scan(group.stream(), Place { items: false, ..place })?;
        Ok(after)
    }

    /// After the keyword `mod`.
    fn child<'t>(&mut self, tokens: &'t [TokenTree], place: Place<'_>) -> Result<&'t [TokenTree]> {
        let given = self.next_file.take();
        let [TokenTree::Ident(name), body, after @ ..] = tokens else { return Ok(tokens) };
        let name = plain(&name.to_string());
        if name == "tests" || name == "testing" || name.ends_with("_tests") {
            return Ok(after);
        }
        let parent = &self.modules[place.module];
        let child = Module {
            name: name.clone(),
            parent: Some(place.module),
            file: parent.file.clone(),
            ..Module::default()
        };
        let index = self.modules.len();
        self.modules.push(child);
        self.modules[place.module].children.insert(name.clone(), index);
        let folder = place.folder.join(&name);
        if let TokenTree::Group(group) = body {
            self.scan(group.stream(), Place { module: index, folder: &folder, items: true })?;
        } else {
            let beside = folder.with_extension("rs");
            let usual = if beside.exists() { beside } else { folder.join("mod.rs") };
            let folder = given.as_deref().and_then(Path::parent).unwrap_or(&folder).to_path_buf();
            self.modules[index].file = given.unwrap_or(usual);
            self.file(index, &folder)?;
        }
        Ok(after)
    }

    /// After the keyword `use`.
    fn import<'t>(&mut self, tokens: &'t [TokenTree], place: Place<'_>) -> &'t [TokenTree] {
        let end = tokens.iter().position(|token| is_punct(Some(token), ';')).unwrap_or(tokens.len());
        let (tree, after) = tokens.split_at(end);
        self.import_tree(tree, &[], place.module);
        after
    }

    /// One branch of an import, or several with commas between them.
    fn import_tree(&mut self, tokens: &[TokenTree], prefix: &[String], module: usize) {
        for branch in tokens.split(|token| is_punct(Some(token), ',')) {
            // Such a path names another crate.
            if is_path_separator(branch) {
                continue;
            }
            let Some(first) = branch.first() else { continue };
            let line = first.span().start().line;
            let (segments, after) = path_at(branch);
            let mut path = prefix.to_vec();
            path.extend(segments);
            let after = if is_path_separator(after) { &after[2..] } else { after };
            let name = match after {
                [TokenTree::Group(group), ..] => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.import_tree(&inner, &path, module);
                    continue;
                }
                [TokenTree::Punct(_), ..] => "*".to_owned(),
                [TokenTree::Ident(_as), TokenTree::Ident(name), ..] => plain(&name.to_string()),
                _ => String::new(),
            };
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = if name.is_empty() { path.last().cloned().unwrap_or_default() } else { name };
            self.modules[module].imports.push((name, path.clone()));
            self.modules[module].paths.push((path, line));
        }
    }

    /// At the first name of a path.
    fn path<'t>(&mut self, tokens: &'t [TokenTree], place: Place<'_>) -> &'t [TokenTree] {
        let line = tokens[0].span().start().line;
        let (path, after) = path_at(tokens);
        if path.len() > 1 {
            self.modules[place.module].paths.push((path, line));
        }
        after
    }
}

/// The names at the beginning of the tokens with `::` between them, and the tokens behind the last of them.
fn path_at(mut tokens: &[TokenTree]) -> (Vec<String>, &[TokenTree]) {
    let mut path = Vec::new();
    while let [TokenTree::Ident(name), after @ ..] = tokens {
        path.push(plain(&name.to_string()));
        match after {
            [_, _, TokenTree::Ident(_), ..] if is_path_separator(after) => tokens = &after[2..],
            _ => return (path, after),
        }
    }
    (path, tokens)
}

/// A name without the mark that lets a keyword be one.
fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

fn is_path_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(one), TokenTree::Punct(two), ..]
        if one.as_char() == ':' && one.spacing() == Spacing::Joint && two.as_char() == ':')
}

fn defines(keyword: &str) -> bool {
    matches!(
        keyword,
        "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static" | "macro_rules"
    )
}

/// Whether the inside of an attribute is `cfg(test)`, or `cfg(all(…))` with `test` among its conditions.
fn is_test_only(attribute: TokenStream) -> bool {
    fn holds_only_in_tests(condition: &[TokenTree]) -> bool {
        match condition {
            [TokenTree::Ident(test)] => test == "test",
            [TokenTree::Ident(all), TokenTree::Group(group)] if all == "all" => {
                let conditions: Vec<TokenTree> = group.stream().into_iter().collect();
                conditions.split(|token| is_punct(Some(token), ',')).any(holds_only_in_tests)
            }
            _ => false,
        }
    }
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(cfg), TokenTree::Group(group)] if cfg == "cfg" => {
            holds_only_in_tests(&group.stream().into_iter().collect::<Vec<_>>())
        }
        _ => false,
    }
}

/// The tokens behind an item, a statement, a field or an arm, whose attributes may come first.
fn behind_item(mut tokens: &[TokenTree]) -> &[TokenTree] {
    while is_punct(tokens.first(), '#') {
        tokens = tokens.get(2..).unwrap_or_default();
    }
    // Of a function, only a visibility and qualifiers such as `const` stand before its keyword.
    let has_body = |token: &TokenTree| match token {
        TokenTree::Ident(keyword) => ["fn", "mod", "impl", "trait", "struct", "enum", "union", "macro_rules"]
            .iter()
            .any(|known| keyword == known),
        _ => false,
    };
    let has_body = tokens.iter().take(5).any(has_body);
    let is_statement = matches!(tokens.first(), Some(TokenTree::Ident(keyword))
        if ["pub", "use", "const", "static", "type", "let"].iter().any(|known| keyword == known));
    let is_block =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let end = tokens.iter().enumerate().position(|(index, token)| {
        is_punct(Some(token), ';')
            || is_block(token) && (has_body || index == 0)
            || is_punct(Some(token), ',') && !has_body && !is_statement
    });
    end.map_or(&[], |end| &tokens[end + 1..])
}
