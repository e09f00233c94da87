using Microsoft.ML.Data;
using RRec.MLNet;

namespace Microsoft.ML;

public static partial class R2ecCatalog
{
    /// <summary>R2ec: recommendations with reasoning, trained by RecPO from purchases. All options.</summary>
    /// <param name="trainers">The catalog's trainers.</param>
    /// <param name="options">The options; copied.</param>
    /// <exception cref="ArgumentException">Options are out of range; names each.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column of the items is missing or of a wrong type.</exception>
    public static R2ecTrainer R2ec(this RecommendationCatalog.RecommendationTrainers trainers, R2ecTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        ArgumentNullException.ThrowIfNull(options);
        return new R2ecTrainer(trainers.GetEnvironment(), options);
    }

    /// <summary>R2ec with what it cannot guess: the items and how they are called. Rows have the columns of <c>CreatePurchaseHistories</c>.</summary>
    /// <param name="trainers">The catalog's trainers.</param>
    /// <param name="items">The items that can be recommended, one row each; all text and numeric columns are told to the model.</param>
    /// <param name="itemIdColumnName">Their ids: text, key or number.</param>
    /// <param name="titleColumnName">Their titles.</param>
    /// <param name="category">What one item is called in the prompts, e.g. <c>movie</c>.</param>
    /// <param name="backbone">A Hugging Face folder of a supported family; null: a small backbone is made from the data.</param>
    /// <param name="k">How many items a row gets.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column of the items is missing or of a wrong type.</exception>
    public static R2ecTrainer R2ec(
        this RecommendationCatalog.RecommendationTrainers trainers,
        IDataView items,
        string itemIdColumnName = R2ecTrainer.DefaultItemIdColumnName,
        string titleColumnName = R2ecTrainer.DefaultTitleColumnName,
        string category = R2ecTrainer.DefaultCategory,
        string? backbone = null,
        int k = R2ecTrainer.DefaultK) => R2ec(trainers, new R2ecTrainer.Options
        {
            Items = items,
            ItemIdColumnName = itemIdColumnName,
            TitleColumnName = titleColumnName,
            Category = category,
            Backbone = backbone,
            K = k,
        });
}
