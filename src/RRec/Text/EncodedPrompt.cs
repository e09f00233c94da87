namespace RRec.Text;

/// <summary>Ids and where their texts lie in the prompt, in UTF-16 units. Tokens that are parts of one character share its place.</summary>
/// <param name="Ids">The token ids.</param>
/// <param name="Starts">Where each token begins; never decreases.</param>
/// <param name="Ends">One past where each token ends; never decreases.</param>
public sealed record EncodedPrompt(int[] Ids, int[] Starts, int[] Ends)
{
    /// <summary>
    /// The index of the last token that holds text before a position: for the end of a line, the token with the line's last character.
    /// -1 where no token does.
    /// </summary>
    public int LastTokenBefore(int position)
    {
        int low = 0, high = Starts.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Starts[middle] < position) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }
}
