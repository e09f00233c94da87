using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.WarmUp;

/// <summary>One place in a sequence where a user vector is read and judged.</summary>
/// <param name="Row">Sequence of the batch.</param>
/// <param name="Token">Index of the token in it.</param>
/// <param name="Bought">How many items of the shown history are known there.</param>
/// <param name="Label">The item bought next.</param>
internal readonly record struct ReadingPoint(int Row, int Token, int Bought, int Label);

/// <summary>
/// The sequences of one warm-up step: prompt, target reasoning where there is one, answer; and where they are judged: after every
/// history line (label: the next purchase) and at the answer (label: the row's target).
/// </summary>
internal sealed class WarmUpBatch
{
    private WarmUpBatch(int[][] sequences, int[][] shown, int[][] named, ReadingPoint[] lines, ReadingPoint[] answers, (int Row, int Token)[] written) =>
        (Sequences, Shown, Named, Lines, Answers, Written) = (sequences, shown, named, lines, answers, written);

    public int[][] Sequences { get; }

    /// <summary>Per sequence the items of its history lines, oldest first.</summary>
    public int[][] Shown { get; }

    /// <summary>Per sequence the attributes that its reasoning names.</summary>
    public int[][] Named { get; }

    public ReadingPoint[] Lines { get; }

    public ReadingPoint[] Answers { get; }

    /// <summary>Tokens of reasonings and answers that the language head should have written.</summary>
    public (int Row, int Token)[] Written { get; }

    /// <param name="model">Writes the prompts.</param>
    /// <param name="guide">Knows what is worth saying; null without.</param>
    /// <param name="rows">The step's rows.</param>
    /// <param name="own">Per row the reasoning that the untrained model wrote, where there is one; null: none.</param>
    /// <param name="options">How much chance there is in what is said, and the share of titles that a catalogue backbone has blanked out.</param>
    /// <param name="random">All chance.</param>
    public static WarmUpBatch Make(R2ecModel model, TeacherGuide? guide, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int[]?>? own, WarmUpOptions options, Random random)
    {
        int[][] sequences = new int[rows.Count][], shown = new int[rows.Count][], named = new int[rows.Count][];
        List<ReadingPoint> lines = [], answers = [];
        List<(int, int)> written = [];
        int[] answer = model.Writer.AnswerIds;
        CatalogueBackboneGuide? wired = guide as CatalogueBackboneGuide;
        // A wired backbone says its attributes by tokens of their own; any other one in words.
        Statements? statements = wired is not null || model.Settings.UseReasoning ? guide?.Statements : null;
        for (int i = 0; i < rows.Count; i++)
        {
            PurchaseRow row = rows[i];
            Text.UserPromptWithLines prompt = model.Writer.UserPromptWithLineEnds(row.History, model.Settings.Window, model.Settings.MaxPromptTokens);
            int count = prompt.LineEnds.Length;
            shown[i] = row.History.Items.Span[^count..].ToArray();
            named[i] = statements?.Draw(row.History.Items.Span, random, options.StatementTemperature) ?? [];
            int[]? reasoning = wired is not null ? wired.PhraseTokens(named[i])
                : statements is not null ? model.Writer.ReasoningIds([.. named[i].Select(a => CatalogueText.Phrase(statements.Words[a]))]) : own?[i];
            sequences[i] = [.. prompt.Ids, .. reasoning ?? [], .. answer];
            for (int line = 0; line < count; line++)
                lines.Add(new ReadingPoint(i, prompt.LineEnds[line], line + 1, line + 1 < count ? shown[i][line + 1] : row.Target));
            answers.Add(new ReadingPoint(i, sequences[i].Length - 1, count, row.Target));
            if (reasoning is null) continue;
            for (int token = prompt.Ids.Length; token < sequences[i].Length; token++) written.Add((i, token));
            if (wired is null) continue;
            for (int line = 0; line < count; line++)
                if (random.NextDouble() < options.TitleDropout) wired.Blank(sequences[i], line == 0 ? 0 : prompt.LineEnds[line - 1] + 1, prompt.LineEnds[line]);
        }
        return new WarmUpBatch(sequences, shown, named, [.. lines], [.. answers], [.. written]);
    }
}
