/// Colours and marks that tell classes apart.
///
/// The colours can be told apart with colour blindness too.
///
/// ## Reference
/// M. Okabe and K. Ito, "Color universal design", 2008; their yellow, too pale for a white page,
/// is grey here, and sky blue and orange are a little darker.
enum Palette {
    static let colors = [
        "#0072b2", "#d55e00", "#009e73", "#b8609a", "#d99000", "#2f9bd1", "#6b6b6b", "#4b3f9e",
    ]

    static func color(_ index: Int) -> String { colors[index % colors.count] }

    /// A mark for a class; colour and mark together are unique for 48 classes.
    static func mark(_ index: Int) -> Mark {
        let all = Mark.allCases
        return all[(index % colors.count + index / colors.count) % all.count]
    }
}

/// The shape of a point.
enum Mark: CaseIterable {
    case circle
    case triangle
    case square
    case diamond
    case downTriangle
    case cross

    /// The shape about a point as SVG path commands; all shapes have about the same area.
    func path(x: Double, y: Double, radius: Double) -> String {
        func polygon(_ corners: [(Double, Double)]) -> String {
            corners.enumerated().map { index, corner in
                let (px, py) = (x + corner.0 * radius, y + corner.1 * radius)
                return "\(index == 0 ? "M" : "L")\(short(px)) \(short(py))"
            }.joined() + "Z"
        }
        switch self {
        case .circle:
            return "M\(short(x - radius)) \(short(y))"
                + "a\(short(radius)) \(short(radius)) 0 1 0 \(short(2 * radius)) 0"
                + "a\(short(radius)) \(short(radius)) 0 1 0 \(short(-2 * radius)) 0Z"
        case .triangle:
            return polygon([(0, -1.25), (1.2, 0.85), (-1.2, 0.85)])
        case .square:
            return polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
        case .diamond:
            return polygon([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
        case .downTriangle:
            return polygon([(0, 1.25), (1.2, -0.85), (-1.2, -0.85)])
        case .cross:
            let (arm, half) = (1.2, 0.42)
            return polygon([
                (-half, -arm), (half, -arm), (half, -half), (arm, -half), (arm, half),
                (half, half), (half, arm), (-half, arm), (-half, half), (-arm, half),
                (-arm, -half), (-half, -half),
            ])
        }
    }

    private func short(_ value: Double) -> String { String((value * 100).rounded() / 100) }
}
