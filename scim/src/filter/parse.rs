//! The parser. It reads each byte a bounded number of times.

use super::{Filter, Literal, MAX_FILTER_DEPTH, Test};
use crate::path::AttributePath;

/// The reason why a filter is invalid.
type Reason = &'static str;

pub(crate) struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    in_brackets: bool,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            depth: 0,
            in_brackets: false,
        }
    }

    /// The text as one filter.
    pub(crate) fn whole(mut self) -> Result<Filter, Reason> {
        let filter = self.any()?;
        if self.rest.trim_start().is_empty() {
            Ok(filter)
        } else {
            Err("The filter has text after its end.")
        }
    }

    /// The text as the `path` of an operation: a name, a filter in brackets, a sub-attribute.
    pub(crate) fn path(
        mut self,
    ) -> Result<(AttributePath, Option<Filter>, Option<String>), Reason> {
        let path = self.name()?;
        let (filter, sub) = if self.takes('[') {
            let filter = self.bracketed()?;
            (Some(filter), self.sub()?)
        } else {
            (None, None)
        };
        if self.rest.trim().is_empty() {
            Ok((path, filter, sub))
        } else {
            Err("The path has text after its end.")
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The characters up to a blank, a parenthesis or a bracket.
    fn word(&mut self) -> &'a str {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    /// Takes the next word if it is this one, in any case.
    fn takes_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        self.blanks();
        if self.word().eq_ignore_ascii_case(word) {
            return true;
        }
        self.rest = before;
        false
    }

    fn deeper(&mut self) -> Result<(), Reason> {
        self.depth += 1;
        if self.depth > MAX_FILTER_DEPTH {
            return Err("The filter is nested too deeply.");
        }
        Ok(())
    }

    fn any(&mut self) -> Result<Filter, Reason> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, Reason> {
        let mut parts = vec![self.term()?];
        while self.takes_word("and") {
            parts.push(self.term()?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, Reason> {
        self.blanks();
        let before = self.rest;
        if self.takes_word("not") {
            self.blanks();
            if self.rest.starts_with('(') {
                return Ok(Filter::Not(Box::new(self.group()?)));
            }
            // An attribute with this name.
            self.rest = before;
        }
        if self.rest.starts_with('(') {
            return self.group();
        }
        let path = self.name()?;
        if !self.takes('[') {
            return Ok(Filter::Attribute(path, self.test()?));
        }
        let filter = Box::new(self.bracketed()?);
        let sub = self.sub()?;
        let then = match sub {
            Some(sub) => Some((sub, self.test()?)),
            None => None,
        };
        Ok(Filter::Element(path, filter, then))
    }

    fn group(&mut self) -> Result<Filter, Reason> {
        self.deeper()?;
        self.takes('(');
        let filter = self.any()?;
        self.blanks();
        if !self.takes(')') {
            return Err("The filter has an open parenthesis.");
        }
        self.depth -= 1;
        Ok(filter)
    }

    /// The filter after an opening bracket, and the closing one.
    fn bracketed(&mut self) -> Result<Filter, Reason> {
        if self.in_brackets {
            return Err("The filter has brackets within brackets.");
        }
        self.deeper()?;
        self.in_brackets = true;
        let filter = self.any()?;
        self.blanks();
        if !self.takes(']') {
            return Err("The filter has an open bracket.");
        }
        self.in_brackets = false;
        self.depth -= 1;
        Ok(filter)
    }

    fn name(&mut self) -> Result<AttributePath, Reason> {
        self.blanks();
        AttributePath::parse(self.word()).ok_or("The name of an attribute is missing or malformed.")
    }

    /// The sub-attribute after a closing bracket.
    fn sub(&mut self) -> Result<Option<String>, Reason> {
        if !self.takes('.') {
            return Ok(None);
        }
        let path = self.name()?;
        if path.schema.is_some() || path.sub.is_some() {
            return Err("The name of a sub-attribute is malformed.");
        }
        Ok(Some(path.name))
    }

    fn test(&mut self) -> Result<Test, Reason> {
        self.blanks();
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Test::Present);
        }
        let operator = word
            .parse()
            .map_err(|_| "The filter has no known operator.")?;
        self.blanks();
        Ok(Test::Compare(operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, Reason> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") {
            return Ok(Literal::Boolean(word.eq_ignore_ascii_case("true")));
        }
        if word.eq_ignore_ascii_case("null") {
            return Ok(Literal::Null);
        }
        if word.is_empty() {
            return Err("The filter has an operator without a value.");
        }
        if serde_json::from_str::<serde_json::Number>(word).is_ok() {
            return Ok(Literal::Number(word.to_owned()));
        }
        // Microsoft's own tests leave out the quotes.
        Ok(Literal::String(word.to_owned()))
    }

    fn quoted(&mut self) -> Result<Literal, Reason> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let (end, _) = end.ok_or("The filter has an open quote.")?;
        let (text, rest) = self
            .rest
            .split_at_checked(end + 1)
            .ok_or("The filter has an open quote.")?;
        self.rest = rest;
        let text = serde_json::from_str(text).map_err(|_| "The filter has a malformed text.")?;
        Ok(Literal::String(text))
    }
}

/// The only part, or all of them together.
fn one_or(mut parts: Vec<Filter>, together: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            together(parts)
        }
    }
}
