import ApusPretraining
import ApusReport

/// The charts of a run's health, as its page of documentation explains them: those whose figures
/// the run has.
struct PretrainingFigures {
    let run: PretrainingRun

    private var history: MetricsHistory { run.history }

    private static let size = ChartSize(width: 500, height: 310)

    var all: [Report.Figure] {
        [
            ranks, deviations, contrast, information, accuracy, copies, codes, maskedShares,
            gradients, rate, throughput, waiting, skipped,
        ].compactMap { $0 }
    }

    private var ranks: Report.Figure? {
        figure(
            "Effective rank", "directions",
            "How many directions a layer's frames spread over; a few alone are collapse.",
            layers("effectiveRank/"), scale: .logarithmic)
    }

    private var deviations: Report.Figure? {
        figure(
            "Feature deviation", "standard deviation",
            "The deviation of a layer's frames, the mean over dimensions; near 0 all are alike.",
            layers("featureDeviation/"))
    }

    private var contrast: Report.Figure? {
        let steps = history.names(under: "accuracy/step-")
        // The first, the last, and some between: a legend of six lines at most.
        let stride = max(1, (steps.count + 4) / 5)
        let shown = steps.enumerated().filter {
            $0.offset % stride == 0 || $0.offset == steps.count - 1
        }.map(\.element)
        return figure(
            "Accuracy of the contrast", "%",
            "The share of frames whose true future no negative scores above, by how far ahead it "
                + "is. Where the loss is that of chance, all scores are alike, and it says nothing.",
            shown.flatMap {
                history.series(
                    "accuracy/step-" + $0, as: $0 == "1" ? "1 frame ahead" : "\($0) frames ahead",
                    smoothing: 0.8, scale: 100)
            })
    }

    private var information: Report.Figure? {
        figure(
            "What a context tells of the future", "nats",
            "log(N + 1) - L, a lower bound of the mutual information; it can't pass log(N + 1).",
            pair("informationBound", smoothing: 0.8),
            limit: history.mean(of: "chanceLoss").map { ("log(N + 1)", $0) })
    }

    private var accuracy: Report.Figure? {
        figure(
            "Accuracy of the codes", "%",
            "The share of masked frames whose code scores highest; dashed is naming the commonest.",
            pair("accuracy", smoothing: 0.8, scale: 100),
            limit: history.mean(of: "majorityShare").map { ("the commonest code", 100 * $0) })
    }

    private var copies: Report.Figure? {
        figure(
            "Loss over that of a copy", "ratio",
            "Against predicting that nothing changes: below 1 something is learned.",
            pair("lossOverCopy", smoothing: 0.8), limit: ("a copy", 1))
    }

    private var codes: Report.Figure? {
        figure(
            "Codes", "codes",
            "The perplexity of a batch's codes, and how many codes no frame of it has.",
            history.series("codePerplexity", as: "perplexity", smoothing: 0.8)
                + history.series("deadCodes", as: "dead", smoothing: 0.8))
    }

    private var maskedShares: Report.Figure? {
        figure(
            "Masked share", "%", "How much of a recording is masked.",
            history.series("maskedShare", as: "of all cells", smoothing: 0.8, scale: 100)
                + ["min", "mean", "max"].flatMap {
                    history.series("maskedShare/" + $0, as: $0, smoothing: 0.8, scale: 100)
                })
    }

    private var gradients: Report.Figure? {
        figure(
            "Gradient norm", "2-norm", "Before clipping; dashed is what longer ones are cut to.",
            history.series("gradientNorm", as: "all gradients", smoothing: 0.9),
            limit: ("clipNorm", run.configuration.optimizer.clipNorm), scale: .logarithmic)
    }

    private var rate: Report.Figure? {
        figure("Learning rate", "rate", "", history.series("learningRate", as: "rate"))
    }

    private var throughput: Report.Figure? {
        figure(
            "Throughput", "hours of audio an hour", "The mean since the run began.",
            history.series("audioHoursPerHour", as: "throughput"))
    }

    private var waiting: Report.Figure? {
        figure(
            "Time beside the training", "% of the time",
            "Waiting: the share of the time so far in which no batch was ready. Outside: that and "
                + "all else but forward pass, backward pass and optimiser. Under 3 is healthy.",
            history.series("waitingShare", as: "waiting", scale: 100)
                + history.series("outsideShare", as: "outside", scale: 100))
    }

    private var skipped: Report.Figure? {
        figure(
            "Skipped steps", "steps so far", "Steps whose loss or gradient wasn't finite.",
            history.series("skippedSteps", as: "skipped"))
    }

    /// A figure of each layer.
    private func layers(_ prefix: String) -> [LineChart.Series] {
        history.names(under: prefix).flatMap { history.series(prefix + $0, as: $0) }
    }

    /// A figure in training and on held-out recordings.
    private func pair(
        _ figure: String, smoothing: Double, scale: Double = 1
    ) -> [LineChart.Series] {
        history.series(figure, as: "training", smoothing: smoothing, scale: scale)
            + history.series("validation/" + figure, as: "held out", scale: scale)
    }

    /// A chart, with a dashed line at a limit; `nil` where the run has no such figure.
    private func figure(
        _ title: String, _ unit: String, _ caption: String, _ series: [LineChart.Series],
        limit: (name: String, value: Double)? = nil, scale: AxisScale = .linear
    ) -> Report.Figure? {
        guard !series.isEmpty, let steps = history.steps else { return nil }
        let bound = limit.map { [LineChart.Series.level($0.value, name: $0.name, steps)] } ?? []
        var chart = LineChart(
            title: title, xTitle: "step", yTitle: unit, series: series + bound)
        chart.size = Self.size
        chart.yScale = scale
        return Report.Figure(name: title, caption: caption, svg: chart.svg())
    }
}
