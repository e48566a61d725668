//! Texts with columns in them: `{product}[ – {account}]`.
//!
//! `{column}` stands for the cell, `{column|slug}` for the cell in lower case with hyphens for everything that is no
//! letter or digit. A part in brackets is left out when a column in it is empty; an empty column outside of brackets
//! makes the whole text empty.

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column { name: String, slug: bool },
    Optional(Vec<Part>),
}

impl Template {
    /// Reads the template; the error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['[', ']']) {
            if rest.as_bytes()[at] == b']' {
                return Err(format!("`]` without `[` in `{text}`"));
            }
            let (inner, after) =
                rest[at + 1..].split_once(']').ok_or_else(|| format!("`[` without `]` in `{text}`"))?;
            if inner.contains('[') {
                return Err(format!("brackets within brackets in `{text}`"));
            }
            plain(&rest[..at], &mut parts)?;
            let mut optional = Vec::new();
            plain(inner, &mut optional)?;
            parts.push(Part::Optional(optional));
            rest = after;
        }
        plain(rest, &mut parts)?;
        Ok(Template(parts))
    }

    /// The columns that it names.
    pub fn columns(&self) -> Vec<&str> {
        fn collect<'a>(parts: &'a [Part], names: &mut Vec<&'a str>) {
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Column { name, .. } => names.push(name),
                    Part::Optional(parts) => collect(parts, names),
                }
            }
        }
        let mut names = Vec::new();
        collect(&self.0, &mut names);
        names
    }

    /// The text for one row; empty if it cannot be made.
    pub fn render<'a>(&self, cell: &impl Fn(&str) -> &'a str) -> String {
        render(&self.0, cell).unwrap_or_default()
    }
}

/// Text and columns, no brackets.
fn plain(text: &str, parts: &mut Vec<Part>) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("`{{` without `}}` in `{text}`"))?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(match name.split_once('|') {
            None => Part::Column { name: name.to_owned(), slug: false },
            Some((name, "slug")) => Part::Column { name: name.to_owned(), slug: true },
            Some((_, filter)) => return Err(format!("`|{filter}` is not known; there is `|slug`")),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(())
}

fn render<'a>(parts: &[Part], cell: &impl Fn(&str) -> &'a str) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(literal) => text += literal,
            Part::Column { name, slug: is_slug } => match cell(name) {
                "" => return None,
                value if *is_slug => text += &slug(value),
                value => text += value,
            },
            Part::Optional(parts) => text += &render(parts, cell).unwrap_or_default(),
        }
    }
    Some(text)
}

/// `Mei-Mei  Johns` → `mei-mei-johns`
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out() {
        let template = Template::parse("{product}[ – {account}]").unwrap();
        assert_eq!(template.columns(), ["product", "account"]);
        let text = |product: &'static str, account: &'static str| {
            template.render(&|name| if name == "product" { product } else { account })
        };
        assert_eq!(text("GTX Pro", "Isdom"), "GTX Pro – Isdom");
        assert_eq!(text("GTX Pro", ""), "GTX Pro");
        assert_eq!(text("", "Isdom"), "");
    }

    #[test]
    fn slugs_suit_addresses() {
        let template = Template::parse("{agent|slug}@example.com").unwrap();
        for (agent, address) in [
            ("Mei-Mei  Johns", "mei-mei-johns@example.com"),
            ("O'Neill, Jr.", "o-neill-jr@example.com"),
            ("王 伟", "王-伟@example.com"),
        ] {
            assert_eq!(template.render(&|_| agent), address);
        }
    }

    #[test]
    fn mistakes_are_told() {
        for text in ["{a", "[{a}", "a]", "[[a]]", "{a|upper}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
