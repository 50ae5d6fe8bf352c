/// A page of a list, in the order of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items. There may be fewer than the limit, or none, before the end of the list.
    pub items: Vec<T>,
    /// The position where the next page starts, or `None` at the end. Valid for this list only.
    pub next: Option<String>,
}
