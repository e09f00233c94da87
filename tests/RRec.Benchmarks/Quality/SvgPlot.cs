using System.Globalization;
using System.Net;
using System.Text;

namespace RRec.Benchmarks.Quality;

/// <summary>Two plain plots as SVG text: means with their intervals, and courses over steps. Colours are readable on white and on dark pages.</summary>
internal static class SvgPlot
{
    private const int Width = 720, Left = 190, Right = 30, Row = 26, Top = 44, Bottom = 42;
    private const string Ink = "#888", Mark = "#2a7ab8";
    private static readonly string[] Colours = ["#2a7ab8", "#d9772b", "#3a9a54", "#a04fb0", "#b8a02a", "#c43c4c"];

    /// <summary>One line per variant: a dot at the mean, a bar over the interval; a vertical line at zero.</summary>
    public static string Intervals(string title, string axis, IReadOnlyList<(string Label, double Mean, double Low, double High)> rows)
    {
        double low = Math.Min(0, rows.Min(r => r.Low)), high = Math.Max(0, rows.Max(r => r.High));
        int height = Top + rows.Count * Row + Bottom;
        StringBuilder svg = Begin(title, height);
        double X(double value) => Left + (value - low) / Math.Max(1e-12, high - low) * (Width - Left - Right);
        Axis(svg, axis, low, high, X, height);
        Line(svg, X(0), Top - 6, X(0), height - Bottom, Ink, 1);
        for (int i = 0; i < rows.Count; i++)
        {
            double y = Top + (i + 0.5) * Row;
            Text(svg, Left - 8, y + 4, rows[i].Label, "end");
            Line(svg, X(rows[i].Low), y, X(rows[i].High), y, Mark, 3);
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(rows[i].Mean):0.0}\" cy=\"{y:0.0}\" r=\"4.5\" fill=\"{Mark}\"/>\n");
        }
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>One polyline per series, all over the same number of steps.</summary>
    public static string Courses(string title, string axis, IReadOnlyList<(string Label, double[] Values)> series)
    {
        const int plot = 220;
        int height = Top + plot + Bottom;
        double low = series.Min(s => s.Values.Min()), high = series.Max(s => s.Values.Max());
        int steps = series.Max(s => s.Values.Length);
        StringBuilder svg = Begin(title, height);
        double X(double step) => Left + (step - 1) / Math.Max(1, steps - 1) * (Width - Left - Right);
        double Y(double value) => Top + plot - (value - low) / Math.Max(1e-12, high - low) * plot;
        Axis(svg, axis, 1, steps, X, height);
        foreach (double value in new[] { low, high }) Text(svg, Left - 8, Y(value) + 4, value.ToString("0.000", CultureInfo.InvariantCulture), "end");
        for (int s = 0; s < series.Count; s++)
        {
            string colour = Colours[s % Colours.Length];
            string points = string.Join(' ', series[s].Values.Select((v, i) => string.Create(CultureInfo.InvariantCulture, $"{X(i + 1):0.0},{Y(v):0.0}")));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"8\" y=\"{Top + s * Row:0}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\n");
            Text(svg, 26, Top + s * Row + 11, series[s].Label, "start");
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static StringBuilder Begin(string title, int height)
    {
        StringBuilder svg = new(string.Create(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"{Ink}\">\n"));
        Text(svg, 8, 22, title, "start");
        return svg;
    }

    private static void Axis(StringBuilder svg, string axis, double low, double high, Func<double, double> x, int height)
    {
        Line(svg, Left, height - Bottom, Width - Right, height - Bottom, Ink, 1);
        for (int i = 0; i <= 4; i++)
        {
            double value = low + (high - low) * i / 4;
            Text(svg, x(value), height - Bottom + 16, value.ToString("0.####", CultureInfo.InvariantCulture), "middle");
        }
        Text(svg, (Left + Width - Right) / 2.0, height - 8, axis, "middle");
    }

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string colour, int width) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:0.0}\" y1=\"{y1:0.0}\" x2=\"{x2:0.0}\" y2=\"{y2:0.0}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\n");

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{y:0.0}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>\n");
}
