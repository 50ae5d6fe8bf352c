/// Some items of a list, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items; may be fewer than the limit, or none, before the end.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end. Valid for this list only.
    pub next: Option<String>,
}
