using RRec.Text;

namespace RRec.Ranking;

/// <summary>The token ids of every item's prompt, written once: item texts do not change while a model lives.</summary>
internal sealed class ItemPrompts(Func<int, int[]> write, int count)
{
    private readonly int[]?[] _ids = new int[count][];

    public ItemPrompts(PromptWriter writer, int count, int maxTokens) : this(item => writer.ItemPrompt(item, maxTokens), count) { }

    /// <summary>How many items there are.</summary>
    public int Count => _ids.Length;

    /// <summary>The ids of one item.</summary>
    public int[] this[int item] => _ids[item] ??= write(item);
}
