"""A grocery: about ten items an order, households that come back on their weekday, delivered within hours."""

from ecommerce.generate.presets.shape import Charges, DeliveryTimes, Outcomes, Preset, Refunds, Rhythm, SaleDay

GROCERY = Preset(
    name="grocery",
    title="About ten items an order, weekly habits, delivered within hours",
    rhythm=Rhythm(
        hours=(
            0.6, 0.4, 0.3, 0.2, 0.3, 0.6,
            1.6, 3.2, 5.2, 7.2, 8.0, 7.8,
            7.4, 7.2, 7.2, 7.0, 6.6, 6.4,
            6.0, 5.2, 4.4, 3.4, 2.4, 1.4,
        ),
        weekdays=(15.5, 13.2, 12.6, 12.6, 13.8, 15.3, 17.0),
        months=(1.02, 0.98, 1.00, 0.99, 1.00, 0.97, 0.94, 0.94, 1.00, 1.01, 1.04, 1.11),
        sale_days=(
            SaleDay("before Thanksgiving", 11, 1.7, weekday=3, nth=4, offset=-2),
            SaleDay("before Christmas", 12, 1.9, day=23),
            SaleDay("Christmas Day", 12, 0.2, day=25),
        ),
        noise=0.06,
    ),
    items=(
        (1, 4.9), (2, 5.7), (3, 6.2), (4, 6.7), (5, 7.1), (6, 7.1), (7, 6.8), (8, 6.4), (9, 5.9), (10, 5.5),
        (12, 9.6), (14, 7.7), (16, 6.0), (18, 4.6), (21, 4.6), (25, 3.1), (30, 1.5), (40, 0.6),
    ),
    quantities=((1, 74.0), (2, 17.0), (3, 5.0), (4, 2.5), (6, 1.5)),
    prices=(
        (0.0, 0.5), (0.05, 0.9), (0.25, 1.8), (0.50, 3.2), (0.75, 5.4), (0.95, 12.5), (0.99, 24.0), (1.0, 60.0),
    ),
    price_step=10,
    popularity=(1.05, 0.002),
    repeat_share=0.93,
    weekly_habit=True,
    payments=(("debit_card", 46.0), ("credit_card", 41.0), ("voucher", 9.0), ("cash", 4.0)),
    discounts=((0, 88.0), (1, 10.0), (2, 2.0)),
    sale_discounts=((0, 70.0), (1, 24.0), (2, 6.0)),
    charges=Charges(
        tax_percent=7,
        tax_included=True,
        shipping=((0.0, 2.9), (0.25, 3.9), (0.50, 4.9), (0.75, 4.9), (1.0, 6.9)),
        shipping_by_order=True,
        free_shipping_from=60,
        channels=(("app", 63.0), ("web", 37.0)),
    ),
    refunds=Refunds(partly=0.045, reason="missing or spoiled"),
    delivery=DeliveryTimes(
        days=(
            (0.0, 0.03), (0.05, 0.05), (0.25, 0.10), (0.50, 0.18), (0.75, 0.50), (0.95, 1.10), (0.99, 1.6), (1.0, 3.0),
        ),
        promise_days=(
            (0.0, 0.08), (0.05, 0.12), (0.25, 0.30), (0.50, 0.70), (0.75, 1.0), (0.95, 1.5), (1.0, 3.0),
        ),
        promise_foresees=0.5,
        handover=(0.3, 0.7),
        daytime=None,
        weekend_handovers=1.0,
        weekend_deliveries=1.0,
    ),
    outcomes=Outcomes(cancelled=0.012, returned=0.004, stuck_in_shipped=0.0005, stuck_in_pending=0.0005),
    locations=(34.0, 17.0, 12.0, 9.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0),
    categories=(
        ("Fruit and Vegetables", ("Bananas", "Avocado", "Spinach", "Tomatoes", "Apples", "Onions")),
        ("Bakery", ("Sourdough", "Bagels", "Tortillas", "Croissants", "Rye Bread")),
        ("Dairy", ("Milk", "Yogurt", "Butter", "Cheddar", "Eggs")),
        ("Pantry", ("Pasta", "Rice", "Olive Oil", "Peanut Butter", "Canned Beans")),
        ("Drinks", ("Sparkling Water", "Orange Juice", "Coffee", "Green Tea", "Lemonade")),
        ("Frozen", ("Frozen Berries", "Pizza", "Ice Cream", "Frozen Peas")),
        ("Household", ("Dish Soap", "Paper Towels", "Detergent", "Trash Bags")),
        ("Meat and Fish", ("Chicken Breast", "Ground Beef", "Salmon", "Shrimp", "Ham")),
    ),
)  # fmt: skip
