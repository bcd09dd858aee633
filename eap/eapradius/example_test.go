package eapradius_test

import (
	"context"
	"log"
	"log/slog"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/radius"
)

// A RADIUS server that lets in the subscribers of one network, for an hour at
// a time.
func Example() {
	centre := auc.New(auc.Config{}) // in a live network: a swx.Client
	auth := eap.NewAuthenticator(aka.NewPrime(centre, aka.Config{}), aka.New(centre, aka.Config{}))
	home, err := eap.ParsePLMN("001", "01")
	if err != nil {
		log.Fatal(err)
	}
	var rules eap.IdentityRules

	handler := eapradius.New(auth, eapradius.Config{
		Logger: slog.Default(),
		Authorizer: eapradius.AuthorizerFunc(func(_ context.Context, l eapradius.Login) eapradius.Grant {
			if rules.Parse(l.Result.Identity).PLMN != home {
				return eapradius.Grant{Refusal: eap.RefusalNotSubscribed}
			}
			return eapradius.Grant{Attributes: layeh.Attributes{
				{Type: rfc2865.SessionTimeout_Type, Attribute: layeh.NewInteger(uint32(time.Hour / time.Second))},
			}}
		}),
	})
	server := radius.Server{
		Addr:    "127.0.0.1:1812",
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: "a secret of some length"}},
		Handler: handler,
	}
	log.Print(server.ListenAndServe(context.Background()))
}
