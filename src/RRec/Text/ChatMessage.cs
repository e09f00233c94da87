namespace RRec.Text;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><see cref="System"/>, <see cref="User"/> or <see cref="Assistant"/>.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, PromptText Content)
{
    /// <summary>The role of the instruction that stands before the conversation.</summary>
    public const string System = "system";

    /// <summary>The role of the one who asks.</summary>
    public const string User = "user";

    /// <summary>The role of the model.</summary>
    public const string Assistant = "assistant";

    /// <summary>A turn whose content is our own wording throughout.</summary>
    public ChatMessage(string role, string control) : this(role, PromptText.FromControl(control)) { }
}
