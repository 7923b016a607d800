/// A recording's id and its place in its file.
package struct CutPlace: Hashable, Sendable {
    var id: String
    var audioPath: String
    var offset: Double
    var duration: Double?
    var channel: Int?

    package init(_ cut: Cut) {
        id = cut.id
        audioPath = absolutePath(cut.audioPath)
        offset = cut.offset
        duration = cut.duration
        channel = cut.channel
    }
}
