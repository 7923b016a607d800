import Foundation

/// What an evaluation or a run has to say, as sections of a page.
public struct Report: Sendable {
    /// A part of the page under a heading of its own.
    public struct Section: Sendable {
        /// The heading.
        public var heading: String
        /// What stands under it, in order.
        public var content: [Content]

        /// A section.
        ///
        /// - Parameters:
        ///   - heading: The heading.
        ///   - content: What stands under it, in order.
        public init(_ heading: String, _ content: [Content]) {
            self.heading = heading
            self.content = content
        }
    }

    /// One element of a section.
    public enum Content: Sendable {
        /// Paragraphs of plain text.
        case text([String])
        /// A table.
        case table(ReportTable)
        /// One chart over the whole width.
        case chart(Figure)
        /// Charts and pictures side by side, as many in a row as there is room for.
        case figures([Figure])
        /// Names with a value each, such as where a result comes from.
        case keyValues([KeyValue])

        /// PNG pictures side by side.
        ///
        /// - Parameter images: The pictures' captions and files.
        /// - Returns: The pictures as figures.
        public static func images(_ images: [(caption: String, png: Data)]) -> Content {
            .figures(images.map { Figure(name: $0.caption, caption: $0.caption, png: $0.png) })
        }
    }

    /// A picture with a line of text beneath.
    public struct Figure: Sendable {
        /// What the figure is called beside the section's heading, in a file's name; empty where the
        /// heading says all.
        public var name: String
        /// The text beneath the picture.
        public var caption: String
        /// The picture.
        public var picture: Picture

        /// The kinds of pictures.
        public enum Picture: Sendable {
            /// A PNG file.
            case png(Data)
            /// An SVG document, put in as it is.
            case svg(String)
        }

        /// A PNG picture.
        ///
        /// - Parameters:
        ///   - name: What the figure is called beside the section's heading.
        ///   - caption: The text beneath the picture.
        ///   - png: The PNG file.
        public init(name: String = "", caption: String, png: Data) {
            self.name = name
            self.caption = caption
            picture = .png(png)
        }

        /// A chart.
        ///
        /// - Parameters:
        ///   - name: What the figure is called beside the section's heading.
        ///   - caption: The text beneath the picture.
        ///   - svg: The SVG document of a chart of this module, put in as it is.
        public init(name: String = "", caption: String, svg: String) {
            self.name = name
            self.caption = caption
            picture = .svg(svg)
        }
    }

    /// A name with its value.
    public struct KeyValue: Sendable {
        /// The name.
        public var key: String
        /// The value.
        public var value: String

        /// A name with its value.
        ///
        /// - Parameters:
        ///   - key: The name.
        ///   - value: The value.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The page's title.
    public var title: String
    /// A sentence under the title; empty for none.
    public var subtitle: String
    /// The sections in order.
    public var sections: [Section]

    /// A report.
    ///
    /// - Parameters:
    ///   - title: The page's title.
    ///   - subtitle: A sentence under the title.
    ///   - sections: The sections in order.
    public init(title: String, subtitle: String = "", sections: [Section] = []) {
        self.title = title
        self.subtitle = subtitle
        self.sections = sections
    }
}

/// A table of a report: a row for every system, say, with groups of columns.
public struct ReportTable: Sendable, Equatable {
    /// A column.
    public struct Column: Sendable, Equatable {
        /// The heading over this column and its neighbours of the same group; empty for none.
        public var group: String
        /// The column's own heading.
        public var title: String

        /// A column.
        ///
        /// - Parameters:
        ///   - group: The heading over neighbours of the same group; empty for none.
        ///   - title: The column's own heading.
        public init(group: String = "", title: String) {
            self.group = group
            self.title = title
        }
    }

    /// A value in the table.
    public struct Cell: Sendable, Equatable {
        /// The value.
        public var text: String
        /// What stands small and grey beneath it, such as its interval; empty for nothing.
        public var detail: String
        /// Whether the value is the best of its column.
        public var isBest: Bool

        /// A value.
        ///
        /// - Parameters:
        ///   - text: The value.
        ///   - detail: What stands small and grey beneath it.
        ///   - isBest: Whether the value is the best of its column.
        public init(_ text: String, detail: String = "", isBest: Bool = false) {
            self.text = text
            self.detail = detail
            self.isBest = isBest
        }
    }

    /// A row.
    public struct Row: Sendable, Equatable {
        /// The row's name.
        public var label: String
        /// The values, one a column.
        public var cells: [Cell]

        /// A row.
        ///
        /// - Parameters:
        ///   - label: The row's name.
        ///   - cells: The values, one a column.
        public init(_ label: String, _ cells: [Cell]) {
            self.label = label
            self.cells = cells
        }
    }

    /// The text above the table; empty for none.
    public var caption: String
    /// The heading over the rows' names.
    public var rowTitle: String
    /// The columns beside the rows' names.
    public var columns: [Column]
    /// The rows.
    public var rows: [Row]
    /// Sentences under the table.
    public var notes: [String]

    /// A table.
    ///
    /// - Parameters:
    ///   - caption: The text above the table.
    ///   - rowTitle: The heading over the rows' names.
    ///   - columns: The columns beside the rows' names.
    ///   - rows: The rows, each with a cell for every column.
    ///   - notes: Sentences under the table.
    public init(
        caption: String = "", rowTitle: String, columns: [Column], rows: [Row],
        notes: [String] = []
    ) {
        precondition(rows.allSatisfy { $0.cells.count == columns.count }, "A cell a column")
        self.caption = caption
        self.rowTitle = rowTitle
        self.columns = columns
        self.rows = rows
        self.notes = notes
    }

    /// The groups of neighbouring columns with how many columns each spans.
    var groups: [(title: String, span: Int)] {
        var groups: [(title: String, span: Int)] = []
        for column in columns {
            if let last = groups.last, last.title == column.group {
                groups[groups.count - 1].span += 1
            } else {
                groups.append((column.group, 1))
            }
        }
        return groups
    }
}
