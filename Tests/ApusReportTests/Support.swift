import Foundation
import FoundationXML
import Testing

/// The elements and texts of an XML document; an issue is recorded where it is not well-formed.
func elements(
    of document: String, sourceLocation: SourceLocation = #_sourceLocation
) -> ElementCounter {
    let parser = XMLParser(data: Data(document.utf8))
    let counter = ElementCounter()
    parser.delegate = counter
    #expect(
        parser.parse(), "\(String(describing: parser.parserError))",
        sourceLocation: sourceLocation)
    return counter
}

/// Counts elements by name and keeps the text between tags.
final class ElementCounter: NSObject, XMLParserDelegate {
    private(set) var counts: [String: Int] = [:]
    private var pieces: [String] = []

    var texts: [String] {
        pieces.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
        qualifiedName qName: String?, attributes attributeDict: [String: String] = [:]
    ) {
        counts[elementName, default: 0] += 1
        pieces.append("")
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if !pieces.isEmpty { pieces[pieces.count - 1] += string }
    }
}

/// Numbers that look random and are the same on every run.
struct Generator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 32) | (state << 32)
    }

    /// A number about normally distributed, of zero mean and variance one.
    mutating func normal() -> Float {
        (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
    }
}
