extension String {
    /// The same with a capital at its beginning, as a heading has it.
    var capitalizingFirstLetter: String { prefix(1).uppercased() + dropFirst() }
}
