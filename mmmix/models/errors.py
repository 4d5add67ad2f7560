class MissingIngredient(ValueError):
    """A combination of parts wants what one of them cannot give.

    Args:
        ingredient (str): 'regions', 'tokens' or 'class attention'.
        message (str): What was wanted, why it is not there, what to do.
    """

    def __init__(self, ingredient: str, message: str):
        super().__init__(message)
        self.ingredient = ingredient
