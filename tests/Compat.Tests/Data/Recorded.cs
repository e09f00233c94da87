using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

/// <summary>Reads goldens/mlnet/golden.json and writes schemas, rows and exceptions in the form that is recorded there.</summary>
internal static class Recorded
{
    public const string Folder = "goldens/mlnet";

    private static readonly Lazy<JsonElement> Root = new(() =>
        JsonDocument.Parse(File.ReadAllText(Goldens.PathOf($"{Folder}/golden.json"))).RootElement);

    public static JsonElement At(params string[] keys) => keys.Aggregate(Root.Value, (element, key) => element.GetProperty(key));

    public static string Zip(string name) => Goldens.PathOf($"{Folder}/{name}");

    /// <summary>One line a column: name, index, type, raw type, hidden, annotations.</summary>
    public static string[] Schema(JsonElement recorded) =>
    [
        .. recorded.EnumerateArray().Select(c => string.Join(" | ", c.GetProperty("name").GetString(), c.GetProperty("index").GetInt32(),
            c.GetProperty("type").GetString(), c.GetProperty("raw").GetString(), c.GetProperty("hidden").GetBoolean(),
            string.Join("; ", c.GetProperty("annotations").EnumerateArray().Select(a => a.GetString()))))
    ];

    public static string[] Schema(DataViewSchema schema) =>
    [
        .. schema.Select(c => string.Join(" | ", c.Name, c.Index, c.Type, Name(c.Type.RawType), c.IsHidden,
            string.Join("; ", c.Annotations.Schema.Select(a => $"{a.Name}: {a.Type}"))))
    ];

    /// <summary>One line a row: column = value, ...</summary>
    public static string[] Rows(JsonElement recorded) =>
        [.. recorded.EnumerateArray().Select(row => string.Join("\n", row.EnumerateObject().Select(c => $"{c.Name} = {c.Value.GetString()}")))];

    public static string[] Rows(IDataView view)
    {
        var rows = new List<string>();
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        Func<string>[] read = [.. view.Schema.Select(c => Reader(cursor, c))];
        while (cursor.MoveNext()) rows.Add(string.Join("\n", view.Schema.Select((c, i) => $"{c.Name} = {read[i]()}")));
        return [.. rows];
    }

    /// <summary>A column's value as text, in the form of the recording.</summary>
    public static Func<string> Reader(DataViewRow row, DataViewSchema.Column column) =>
        (Func<string>)typeof(Recorded).GetMethod(nameof(ReaderOf), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!
            .MakeGenericMethod(column.Type.RawType).Invoke(null, [row, column])!;

    private static Func<string> ReaderOf<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> get = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            get(ref value);
            return Text(value!);
        };
    }

    private static string Text(object value) => value switch
    {
        ReadOnlyMemory<char> text => $"\"{text}\"",
        VBuffer<ReadOnlyMemory<char>> texts => $"[{string.Join(", ", texts.DenseValues().Select(t => $"\"{t}\""))}]",
        VBuffer<float> numbers => $"[{string.Join(", ", numbers.DenseValues().Select(n => n.ToString(CultureInfo.InvariantCulture)))}]",
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>What is recorded of an exception that must be equal: its type and the parameter's name, not the wording.</summary>
    public static (string? Thrown, string? Param) Exception(JsonElement recorded) =>
        (recorded.GetProperty("thrown").GetString(), recorded.TryGetProperty("param", out JsonElement param) ? param.GetString() : null);

    public static (string? Thrown, string? Param) Exception(Action action)
    {
        Exception? thrown = Record.Exception(action);
        return (thrown?.GetType().FullName, (thrown as ArgumentException)?.ParamName);
    }

    /// <summary>Runs the action and compares what it throws with the recorded message of that name.</summary>
    public static void MessageMatches(string name, Action action) => Assert.Equal(Exception(At("messages", name)), Exception(action));

    public static void ZipMatches(string name, Action action) => Assert.Equal(Exception(At("zips", name)), Exception(action));

    private static string Name(Type type) => type.IsGenericType
        ? $"{type.GetGenericTypeDefinition().FullName![..type.GetGenericTypeDefinition().FullName!.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.FullName!;
}
