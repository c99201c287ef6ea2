"""Show a refund to those who may see its payment."""

from dataclasses import dataclass

from paidonce.domain.caller import Caller
from paidonce.domain.errors import NotFound
from paidonce.domain.payment import Payment
from paidonce.domain.refund import Refund
from paidonce.use_cases.ports import Books


@dataclass(frozen=True, kw_only=True)
class ReadRefund:
    """One consistent read, through the pointer of the refund."""

    books: Books

    def __call__(self, refund_id: str, *, caller: Caller) -> tuple[Payment, Refund]:
        """A refund by our id, or by Stripe's for one that was made in the Dashboard.

        Raises NotFound, TryAgain.
        """
        # The table holds more than refunds: a caller names nothing else in it.
        is_id = refund_id.startswith(("ref_", "re_"))
        payment = payment_behind(self.books, pointer_id=refund_id) if is_id else None
        refund = payment.refund(refund_id) if payment else None
        if payment is None or refund is None or not caller.sees(payment.user_id):
            raise NotFound("There is no such refund.")
        return payment, refund


def payment_behind(
    books: Books, *, pointer_id: str, payment_id: str | None = None
) -> Payment | None:
    """The payment that a refund's pointer leads to, or else the one that is named."""
    is_payment = payment_id is not None and payment_id.startswith("pay_")
    pages = books.read(
        event_ids=(),
        payment_ids=[payment_id] if payment_id and is_payment else (),
        pointer_ids=[pointer_id],
    )
    return pages.payments.get(pages.pointers.get(pointer_id, payment_id or ""))
