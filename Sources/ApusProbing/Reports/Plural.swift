extension String {
    /// Several of what a regular noun names: speakers, sound classes.
    var plural: String { self + (hasSuffix("s") ? "es" : "s") }
}
