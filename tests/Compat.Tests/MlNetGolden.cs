using System.Text.Json;

namespace Compat.Tests;

/// <summary>What the published ML.NET did, case by case (goldens/mlnet/golden.json).</summary>
internal static class MlNetGolden
{
    public const string File = "goldens/mlnet/golden.json";

    private static readonly Lazy<JsonElement> Root = new(() => JsonDocument.Parse(System.IO.File.ReadAllText(Goldens.PathOf(File))).RootElement);

    public static JsonElement Section(string name) => Root.Value.GetProperty(name);

    public static JsonElement Case(string section, string name) => Section(section).GetProperty(name);

    /// <summary>Runs the action: it must throw what was recorded (type and parameter; the wording is each one's own), or nothing.</summary>
    public static void AssertThrowsAsRecorded(string section, string name, Action action) => AssertThrows(Case(section, name), name, action);

    public static void AssertThrows(JsonElement recorded, string name, Action action)
    {
        Exception? thrown = Record.Exception(action);
        string? type = recorded.GetProperty("thrown").GetString();
        Assert.True(type == thrown?.GetType().FullName, $"'{name}' threw '{thrown?.ToString() ?? "nothing"}' where '{type ?? "nothing"}' was recorded.");
        if (recorded.TryGetProperty("param", out JsonElement param)) Assert.Equal(param.GetString(), Assert.IsType<ArgumentException>(thrown, exactMatch: false).ParamName);
        if (recorded.TryGetProperty("inner", out JsonElement inner)) Assert.Equal(inner.GetString()!.Split(':')[0], thrown!.InnerException?.GetType().FullName);
    }
}
