using System.Text;

namespace RRec.Text;

/// <summary>
/// A wording with holes: <c>{name}</c> stands for a value, <c>{?name} ... {/}</c> is written only where that value exists (groups do not
/// nest), <c>{{</c> and <c>}}</c> are braces. Whatever is not a hole is control, whatever fills one is data.
/// </summary>
internal sealed class PromptTemplate
{
    private readonly record struct Part(string Text, bool IsHole, string? OnlyWith);

    private readonly List<Part> _parts = [];

    /// <exception cref="ArgumentException">Unbalanced braces or groups, or a name that is not among <paramref name="known"/>.</exception>
    public PromptTemplate(string setting, string template, params ReadOnlySpan<string> known)
    {
        ArgumentNullException.ThrowIfNull(template, setting);
        var literal = new StringBuilder();
        string? group = null;
        for (int i = 0; i < template.Length; i++)
        {
            char c = template[i];
            bool doubled = i + 1 < template.Length && template[i + 1] == c;
            if (c is '{' or '}' && doubled)
            {
                literal.Append(c);
                i++;
            }
            else if (c == '}')
            {
                throw Wrong(setting, template, i, "a closing brace without an opening one; write }} for the character itself");
            }
            else if (c == '{')
            {
                int close = template.IndexOf('}', i);
                if (close < 0) throw Wrong(setting, template, i, "a brace that is never closed; write {{ for the character itself");
                string name = template[(i + 1)..close];
                if (literal.Length > 0) _parts.Add(new Part(literal.ToString(), false, group));
                literal.Clear();
                if (name == "/")
                {
                    if (group is null) throw Wrong(setting, template, i, "{/} without a group to end");
                    group = null;
                }
                else
                {
                    bool opens = name.StartsWith('?');
                    if (opens) name = name[1..];
                    if (!known.Contains(name)) throw Wrong(setting, template, i, $"'{name}' is not known here; known are {string.Join(", ", known)}");
                    if (opens && group is not null) throw Wrong(setting, template, i, "a group inside a group");
                    if (opens) group = name;
                    else _parts.Add(new Part(name, true, group));
                }
                i = close;
            }
            else
            {
                literal.Append(c);
            }
        }
        if (group is not null) throw Wrong(setting, template, template.Length, $"the group {{?{group}}} is never ended by {{/}}");
        if (literal.Length > 0) _parts.Add(new Part(literal.ToString(), false, null));
    }

    /// <summary>
    /// Writes the template onto a text. A value that does not exist (null) leaves out its group, and is empty elsewhere.
    /// </summary>
    /// <param name="text">Grows.</param>
    /// <param name="valueOf">The value of a name; asked for groups too.</param>
    /// <param name="nested">Writes a hole that is more than one value; returns false for names it does not know.</param>
    public void Write(PromptText text, Func<string, string?> valueOf, Func<string, bool>? nested = null)
    {
        foreach (Part part in _parts)
        {
            if (part.OnlyWith is { } needed && valueOf(needed) is null) continue;
            if (!part.IsHole) text.Control(part.Text);
            else if (nested is null || !nested(part.Text)) text.Data(valueOf(part.Text) ?? "");
        }
    }

    private static ArgumentException Wrong(string setting, string template, int at, string what) =>
        new($"{setting} '{template}', position {at}: {what}.", setting);
}
