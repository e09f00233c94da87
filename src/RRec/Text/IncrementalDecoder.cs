namespace RRec.Text;
/// <summary>Turns ids into text one by one.</summary>
public sealed class IncrementalDecoder
{
    /// <summary>Adds one id; returns the text that is complete with it, possibly none.</summary>
    public string Append(int id) => throw new NotSupportedException();

    /// <summary>Ends the text: incomplete characters come out as U+FFFD.</summary>
    public string Finish() => throw new NotSupportedException();
}
