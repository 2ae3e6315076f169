package io.tomcatdrain;

/** The two gates that requests enter at present; replaced as a whole. */
final class Gates {
    final InFlightGate uploads;
    final InFlightGate requests;
    final PlainTicket requestTicket;

    Gates(InFlightGate uploads, InFlightGate requests) {
        this.uploads = uploads;
        this.requests = requests;
        this.requestTicket = new PlainTicket(requests);
    }
}
